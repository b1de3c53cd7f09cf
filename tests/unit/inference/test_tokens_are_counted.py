"""Tokens are estimated on the safe side, and word pieces are counted exactly."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from inference.tokens import WordPieces, estimate, fits, max_sequence

PROSE = "The tenant shall give notice of termination in writing no later than three months before."
TEXTS = {
    "prose": PROSE * 10,
    "figures": "2024-03-31 1,250,000.00 EUR; 17.5 % of 4711 " * 10,
    "german": "Die Höchstdosis für über Siebzigjährige beträgt 40 mg täglich. " * 10,
    "greek": "Η μέγιστη δόση είναι σαράντα χιλιοστόγραμμα την ημέρα. " * 10,
    "code": "if (a[i] != b[i]) { return -1; }\n\n\t" * 10,
    "nothing": "",
}


@pytest.fixture(scope="module")
def pieces(model_folder: Path) -> WordPieces:
    return WordPieces(model_folder)


@pytest.mark.parametrize("kind", TEXTS)
def test_the_estimate_is_not_below_a_count(kind: str, pieces: WordPieces) -> None:
    # An uncased vocabulary of 30,000 makes about as many pieces as a language model's tokens.
    assert estimate(TEXTS[kind]) >= 0.95 * pieces.count(TEXTS[kind])


def test_the_estimate_of_prose_is_not_wasteful(pieces: WordPieces) -> None:
    assert estimate(TEXTS["prose"]) <= 1.8 * pieces.count(TEXTS["prose"])


def test_a_prompt_fits_with_room_for_its_answer() -> None:
    size = estimate(PROSE) + 8
    assert fits([PROSE], max_tokens=100, max_model_len=size + 100)
    assert not fits([PROSE], max_tokens=100, max_model_len=size + 99)


def test_each_message_has_its_price() -> None:
    assert fits([""] * 2, max_tokens=0, max_model_len=16)
    assert not fits([""] * 3, max_tokens=0, max_model_len=16)


def test_word_pieces_are_the_models_own(pieces: WordPieces, model_folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    with_marks = len(tokenizer.encode(PROSE))
    assert pieces.count(PROSE) == with_marks - 2


def test_long_texts_are_counted_to_their_end(pieces: WordPieces) -> None:
    assert pieces.count("word " * 2000) == 2000
    assert pieces.counts(["word " * 2000, "", "two words"]) == [2000, 0, 2]


def test_spans_point_at_the_pieces_in_the_text(pieces: WordPieces) -> None:
    text = "Größe: 40\u00a0mg \U0001f512 end"
    words = [text[start:end] for start, end in pieces.spans(text)]
    assert words[-1] == "end"
    assert "40" in words
    assert len(words) == pieces.count(text)


def test_the_limit_leaves_room_for_the_marks(pieces: WordPieces, model_folder: Path) -> None:
    assert pieces.limit == max_sequence(model_folder) - 2 == 254


def test_a_folder_without_a_sentence_limit_uses_the_models(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 512}')
    assert max_sequence(tmp_path) == 512
