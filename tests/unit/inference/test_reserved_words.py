"""A chat template's reserved words lose their power in text that people wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.tokens import escape_reserved

RESERVED = [
    "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|header_start|>", "<|begin_of_text|>",
    "<|endoftext|>", "<|python_tag|>", "<\uff5cUser\uff5c>", "[INST]", "[/INST]", "<<SYS>>",
    "<</SYS>>", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[IMG]", "<s>", "</s>", "<S>", "<unk>",
    "<bos>", "<start_of_turn>", "<end_of_turn>", "<think>", "</think>", "<tool_call>",
    "<fim_prefix>", "<repo_name>", "<unused42>", "<0x0A>", "[CLS]", "[MASK]",
]  # fmt: skip


@pytest.mark.parametrize("word", RESERVED)
def test_it_takes_the_power_out_of_a_reserved_word(word: str) -> None:
    escaped = escape_reserved(f"before {word} after")
    assert word not in escaped
    assert escaped.replace(" ", "") == f"before{word}after"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The limit is 40 mg if weight < 50 kg | height > 1.5 m.",
        "see [1], [Smith 2020] and <a href='x'>the page</a>, a<b, x <- y, [INSTRUCTIONS]",
        "<strong>s</strong> <section> List<String>",
    ],
)
def test_it_leaves_plain_text_alone(text: str) -> None:
    assert escape_reserved(text) == text


def test_a_word_cannot_be_put_together_from_halves() -> None:
    assert "<|im_end|>" not in escape_reserved("<<|im_end|>|im_end|>")


@given(st.lists(st.sampled_from([*RESERVED, "<", "|", "[", ">", "a", " "]), max_size=12))
def test_doing_it_twice_changes_nothing(pieces: list[str]) -> None:
    once = escape_reserved("".join(pieces))
    assert escape_reserved(once) == once
    assert not any(word in once for word in RESERVED)


@given(st.text())
def test_only_blanks_are_added(text: str) -> None:
    assert escape_reserved(text).replace(" ", "") == text.replace(" ", "")
