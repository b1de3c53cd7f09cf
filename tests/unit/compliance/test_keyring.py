"""Keys are durable before they are used, used once by one process, and gone when destroyed."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from compliance.keyring import (
    FIRST_BATCH,
    LARGEST_BATCH,
    Key,
    KeyDestroyed,
    KeyStore,
    KeysUnavailable,
    NoKey,
    Ring,
    WrongSecret,
)
from compliance.sealed import KEY_BYTES

SECRET = "a secret of an installation that only tests use"


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys", SECRET)


def files_of(store: KeyStore) -> list[Path]:
    return sorted(store.folder.rglob("*.keys"))


def test_a_key_is_found_by_its_id_by_another_process(store: KeyStore) -> None:
    cut = store.cut(3)
    again = KeyStore(store.folder, SECRET)
    assert [again.find(key.id) for key in cut] == [key.key for key in cut]
    assert len({key.key for key in cut}) == 3


def test_keys_lie_wrapped_where_their_owner_alone_can_read(store: KeyStore) -> None:
    cut = store.cut(3)
    (file,) = files_of(store)
    held = file.read_bytes()
    assert all(key.key not in held for key in cut)
    assert file.stat().st_mode & 0o077 == 0
    assert store.folder.stat().st_mode & 0o777 == 0o700


def test_a_store_that_others_can_enter_is_not_used(store: KeyStore) -> None:
    store.cut(1)
    store.folder.chmod(0o750)
    with pytest.raises(KeysUnavailable, match="chmod 700"):
        store.cut(1)


def test_another_secret_unwraps_nothing(store: KeyStore) -> None:
    (key,) = store.cut(1)
    with pytest.raises(WrongSecret):
        KeyStore(store.folder, "another secret").find(key.id)


def test_a_key_that_is_put_in_another_s_place_is_not_taken_for_it(store: KeyStore) -> None:
    first, second = store.cut(2)
    (file,) = files_of(store)
    held = file.read_bytes()
    file.write_bytes(held[60:] + held[:60])
    for key in (first, second):
        with pytest.raises(WrongSecret):
            store.find(key.id)


def test_what_is_destroyed_is_gone_from_the_disk_and_its_neighbours_stay(store: KeyStore) -> None:
    first, second, third = store.cut(3)
    (file,) = files_of(store)
    wrapped = file.read_bytes()[60:120]
    assert store.destroy([second.id]) == 1
    assert wrapped not in file.read_bytes()
    assert len(file.read_bytes()) == 180
    with pytest.raises(KeyDestroyed):
        store.find(second.id)
    assert [store.find(key.id) for key in (first, third)] == [first.key, third.key]
    assert store.destroy([second.id]) == 0


def test_a_key_nobody_cut_is_not_called_destroyed(store: KeyStore) -> None:
    (key,) = store.cut(1)
    beyond = UUID(bytes=key.id.bytes[:14] + (1).to_bytes(2, "big"))
    for wanted in (uuid4(), beyond):
        with pytest.raises(NoKey):
            store.find(wanted)
        assert store.destroy([wanted]) == 0


def test_keys_are_on_the_disk_before_they_are_handed_out(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    store.cut(2)
    (file,) = files_of(store)
    assert str(file) in synced
    # The file's name is in its folder, and that is written as well.
    assert synced.index(str(file)) < synced.index(str(file.parent), synced.index(str(file)))


def test_a_full_disk_is_said_and_gives_no_key(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeysUnavailable, match="No space left"):
        Ring(store).take()


def test_a_process_that_needs_one_key_leaves_few_behind(store: KeyStore) -> None:
    Ring(store).take()
    (file,) = files_of(store)
    assert file.stat().st_size == FIRST_BATCH * 60


def settled(ring: Ring) -> None:
    """Wait until nothing is cut in the background any more."""
    assert ring._refilling.acquire(timeout=10)
    ring._refilling.release()


def test_a_busy_process_cuts_many_at_once_and_before_the_last_is_used(store: KeyStore) -> None:
    ring = Ring(store)
    for _ in range(4 * LARGEST_BATCH):
        ring.take()
        settled(ring)
    assert ring._ready
    sizes = {file.stat().st_size // 60 for file in files_of(store)}
    assert max(sizes) == LARGEST_BATCH


def test_threads_never_get_the_same_key(store: KeyStore) -> None:
    ring = Ring(store)
    taken: list[Key] = []

    def take() -> None:
        taken.extend(ring.take() for _ in range(500))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settled(ring)
    assert len({key.id for key in taken}) == len({key.key for key in taken}) == 4_000
    assert all(store.find(key.id) == key.key for key in taken[::97])


def _take_in_a_child(ring: Ring, pipe: "multiprocessing.connection.Connection") -> None:
    pipe.send([ring.take().id for _ in range(10)])


def test_a_forked_process_uses_none_of_its_parent_s_keys(store: KeyStore) -> None:
    ring = Ring(store)
    ring.take()
    # As if another thread were cutting at that moment: the child must not wait for it.
    assert ring._refilling.acquire(timeout=10)
    ours, theirs = multiprocessing.Pipe()
    forking = multiprocessing.get_context("fork")
    child = forking.Process(target=_take_in_a_child, args=(ring, theirs))
    child.start()
    assert ours.poll(20)
    taken = set(ours.recv())
    child.join(20)
    ring._refilling.release()
    assert len(taken) == 10
    assert taken.isdisjoint({ring.take().id for _ in range(30)})


TAKER = """
import sys
from pathlib import Path
from compliance.keyring import KeyStore, Ring
ring = Ring(KeyStore(Path(sys.argv[1]), sys.argv[2]))
while True:
    print(ring.take().id, flush=True)
"""


def test_processes_that_are_killed_at_any_moment_never_share_a_key(store: KeyStore) -> None:
    taken: list[str] = []
    for _ in range(3):
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", TAKER, str(store.folder), SECRET],
                stdout=subprocess.PIPE, text=True,
            )
            for _ in range(2)
        ]
        time.sleep(0.5)
        for process in processes:
            process.send_signal(signal.SIGKILL)
            said, _ = process.communicate(timeout=20)
            # The last line may be cut short.
            taken += said.splitlines()[:-1]
    assert len(taken) > 1_000
    assert len(set(taken)) == len(taken)
    for wanted in taken[::101]:
        assert len(store.find(UUID(wanted))) == KEY_BYTES
