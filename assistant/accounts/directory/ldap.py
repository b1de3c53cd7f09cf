"""Signing in with the password of an LDAP directory: find the entry, then bind as it.

The connection is always under TLS (LDAPS, or StartTLS before anything is said), the server's name
is checked, and each step has a time limit. What people type reaches a filter only escaped.
"""

import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from ldap3 import NONE, SIMPLE, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars

from assistant.accounts.directory import attempts
from assistant.accounts.directory.errors import SignOnRefused
from assistant.accounts.directory.link import Claimed, Way
from assistant.accounts.models import NameLock
from assistant.config import Config
from compliance.events import SignInFailure

SECONDS = 5
ATTEMPTS_BEFORE_LOCK = 5
LOCK = timedelta(minutes=15)
LONGEST_NAME = 150
MOST_GROUPS = 2_000
SUCCESS, INVALID_CREDENTIALS = 0, 49


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A server, where its people are, and what their attributes are called."""

    url: str
    base: str
    ca_file: Path | None = None
    bind_name: str = ""
    bind_password: str = ""
    person: str = "(uid={name})"
    subject_attribute: str = "entryUUID"
    name_attribute: str = "uid"
    display_attribute: str = "cn"
    groups_base: str = ""
    groups: str = "(member={dn})"

    @property
    def issuer(self) -> str:
        """The directory is the tree, whichever of its servers answers."""
        return f"ldap:{self.base.casefold()}"


class CheckedTls(Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS as the standard library checks it, with the server's name."""

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Put the connection's socket under TLS; called by ldap3."""
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        connection.socket = context.wrap_socket(
            connection.socket, server_hostname=connection.server.host
        )


def directory_of(config: Config) -> Directory | None:
    """The directory in the configuration; None when there is none."""
    if not config.ldap_url:
        return None
    password = config.ldap_bind_password_file
    return Directory(
        url=config.ldap_url,
        base=config.ldap_base,
        ca_file=config.ldap_ca_file,
        bind_name=config.ldap_bind_name,
        bind_password=password.read_text().strip() if password else "",
        person=config.ldap_filter,
        subject_attribute=config.ldap_subject_attribute,
        name_attribute=config.ldap_name_attribute,
        display_attribute=config.ldap_display_attribute,
        groups_base=config.ldap_groups_base,
        groups=config.ldap_groups_filter,
    )


def sign_in(directory: Directory, *, name: str, password: str) -> Claimed:
    """Whom this name and password belong to; raises SignOnRefused.

    After five wrong passwords a name is locked here for a quarter of an hour, whether or not it
    exists, so that nobody tries passwords on the directory through us.
    """
    name = name.strip()
    # A bind with a name and no password "succeeds" as nobody (RFC 4513, 5.1.2).
    if not password or not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise SignOnRefused(SignInFailure.WRONG_PASSWORD)
    _refuse_when_locked(name)
    try:
        claimed = _found_and_bound(directory, name, password)
    except LDAPException as error:
        raise SignOnRefused(SignInFailure.PROVIDER_UNAVAILABLE) from error
    if claimed is None:
        _count_failure(name)
        raise SignOnRefused(SignInFailure.WRONG_PASSWORD)
    NameLock.objects.using(attempts.SIGNIN).filter(name_hash=_key(name)).delete()
    return claimed


def _found_and_bound(directory: Directory, name: str, password: str) -> Claimed | None:
    searching = _connected(directory, directory.bind_name, directory.bind_password)
    try:
        if _bind(searching) != SUCCESS:
            raise SignOnRefused(SignInFailure.PROVIDER_UNAVAILABLE)
        entry = _entry_of(searching, directory, name)
        if entry is None:
            return None
        as_person = _connected(directory, entry["dn"], password)
        try:
            answer = _bind(as_person)
        finally:
            as_person.unbind()
        if answer == INVALID_CREDENTIALS:
            return None
        if answer != SUCCESS:
            raise SignOnRefused(SignInFailure.PROVIDER_REFUSED)
        return _claimed(searching, directory, entry)
    finally:
        searching.unbind()


def _connected(directory: Directory, user: str, password: str) -> Any:
    parts = urlsplit(directory.url)
    over_tls = parts.scheme == "ldaps"
    server = Server(
        parts.hostname,
        port=parts.port or (636 if over_tls else 389),
        use_ssl=over_tls,
        tls=CheckedTls(
            validate=ssl.CERT_REQUIRED,
            ca_certs_file=str(directory.ca_file) if directory.ca_file else None,
        ),
        get_info=NONE,
        connect_timeout=SECONDS,
    )
    connection = Connection(
        server,
        user=user or None,
        password=password or None,
        authentication=SIMPLE if user else None,
        receive_timeout=SECONDS,
        auto_referrals=False,
        read_only=True,
    )
    connection.open()
    if not over_tls:
        connection.start_tls()
    return connection


def _bind(connection: Any) -> int:
    connection.bind()
    answer: int = connection.result["result"]
    return answer


def _entry_of(connection: Any, directory: Directory, name: str) -> dict[str, Any] | None:
    """The one entry of this name; two would leave open who signs in."""
    wanted = (directory.subject_attribute, directory.name_attribute, directory.display_attribute)
    connection.search(
        directory.base,
        directory.person.replace("{name}", escape_filter_chars(name)),
        search_scope=SUBTREE,
        attributes=[*wanted, "memberOf"],
        size_limit=2,
        time_limit=SECONDS,
    )
    entries = [each for each in connection.response or () if each["type"] == "searchResEntry"]
    return entries[0] if len(entries) == 1 else None


def _claimed(connection: Any, directory: Directory, entry: dict[str, Any]) -> Claimed:
    return Claimed(
        way=Way.LDAP,
        issuer=directory.issuer,
        subject=_first(entry, directory.subject_attribute),
        username=_first(entry, directory.name_attribute),
        display_name=_first(entry, directory.display_attribute),
        groups=_groups(connection, directory, entry),
    )


def _groups(connection: Any, directory: Directory, entry: dict[str, Any]) -> tuple[str, ...]:
    """The distinguished names of the groups somebody is in."""
    if not directory.groups_base:
        return tuple(_decoded(value) for value in _values(entry, "memberOf"))
    connection.search(
        directory.groups_base,
        directory.groups.replace("{dn}", escape_filter_chars(entry["dn"])),
        search_scope=SUBTREE,
        attributes=["1.1"],
        size_limit=MOST_GROUPS,
        time_limit=SECONDS,
    )
    found = connection.response or ()
    return tuple(each["dn"] for each in found if each["type"] == "searchResEntry")


def _values(entry: dict[str, Any], attribute: str) -> list[bytes]:
    raw = {name.casefold(): values for name, values in entry["raw_attributes"].items()}
    values: list[bytes] = raw.get(attribute.casefold(), [])
    return values


def _first(entry: dict[str, Any], attribute: str) -> str:
    values = _values(entry, attribute)
    if not values:
        return ""
    if attribute.casefold() == "objectguid" and len(values[0]) == 16:
        return str(UUID(bytes_le=values[0]))
    return _decoded(values[0])


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def _key(name: str) -> str:
    return attempts.digest(f"ldap\n{name.casefold()}")


def _refuse_when_locked(name: str) -> None:
    locks = NameLock.objects.using(attempts.SIGNIN)
    if locks.filter(name_hash=_key(name), locked_until__gt=timezone.now()).exists():
        raise SignOnRefused(SignInFailure.LOCKED)


def _count_failure(name: str) -> None:
    now = timezone.now()
    locks = NameLock.objects.using(attempts.SIGNIN)
    locks.filter(changed_at__lt=now - LOCK).delete()
    with transaction.atomic(using=attempts.SIGNIN):
        lock, _ = locks.select_for_update().get_or_create(name_hash=_key(name))
        lock.failed_attempts += 1
        if lock.failed_attempts >= ATTEMPTS_BEFORE_LOCK:
            lock.failed_attempts, lock.locked_until = 0, now + LOCK
        lock.save(using=attempts.SIGNIN)
