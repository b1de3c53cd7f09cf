"""Counts tokens: a cheap estimate for prompts, exact word pieces for the embedding model.

It also takes the power out of a chat template's reserved words in text that people wrote.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer

TOKENS_PER_MESSAGE = 8
LETTERS_PER_TOKEN = 3.5
_DIGIT = re.compile(r"[0-9]")
_MARK = re.compile(r"[!-/:-@\[-^`{-~\n]")

_RESERVED = re.compile(
    # Llama, Qwen, Phi, GPT, SmolLM: <|im_start|>, <|eot_id|>; DeepSeek writes wide bars.
    r"<(?=[|\uff5c])"
    # Mistral and Llama 2.
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|IMG|"
    r"IMG_BREAK|IMG_END|PREFIX|MIDDLE|SUFFIX|THINK|ARGS|CALL_ID)\])"
    r"|<(?=</?SYS>>)"
    # Sentence marks, turns, tools, code and pictures; byte tokens such as <0x0A>.
    r"|<(?=/?(?:s|unk|pad|bos|eos|mask|cls|sep|think|tool_call|tool_response|tools|turn|"
    r"start_of_turn|end_of_turn|start_of_image|end_of_image|image_soft_token|image|"
    r"fim_[a-z]+|repo_name|reponame|file_sep|filename|gh_stars|issue_[a-z]+|jupyter_[a-z_]+|"
    r"empty_output|commit_[a-z]+|endoftext|unused\d+|0x[0-9A-F]{2})>)"
    r"|\[(?=(?:CLS|SEP|PAD|UNK|MASK)\])",
    re.IGNORECASE,
)


def escape_reserved(text: str) -> str:
    """Return `text` with one space put into each reserved word of a chat template.

    Servers read `<|im_end|>` anywhere in a message as the end of a turn, so a document could
    speak as the system. After `< |im_end|>` it is only text. Use it on everything people wrote:
    documents, questions, titles, file names. The result is longer by one character for each
    reserved word, so offsets into the original do not hold in it: cut passages and find quotations
    in the original, and escape last, when the prompt is built. Doing it twice changes nothing.
    """
    return _RESERVED.sub(lambda match: match.group() + " ", text)


def estimate(text: str) -> int:
    """Return about how many tokens a language model makes of `text`, rather too many than too few.

    A token for each 3.5 letters and blanks, for each digit (SmolLM2 and Qwen split numbers), for
    each mark and line break, and for each byte beyond ASCII.
    """
    digits = len(_DIGIT.findall(text))
    marks = len(_MARK.findall(text))
    beyond = len(text.encode()) - len(text.encode("ascii", "ignore"))
    letters = len(text.encode("ascii", "ignore")) - digits - marks
    return digits + marks + beyond + math.ceil(letters / LETTERS_PER_TOKEN)


def fits(texts: Iterable[str], *, max_tokens: int, max_model_len: int) -> bool:
    """Say whether these messages and an answer of `max_tokens` fit a model's context, in tokens."""
    prompt = sum(estimate(text) + TOKENS_PER_MESSAGE for text in texts)
    return prompt + max_tokens <= max_model_len


class WordPieces:
    """The exact word pieces of an embedding model, read from its folder's tokenizer.json.

    Threads may share it. `limit` is how many pieces of a text the model takes in, without the two
    marks that it puts around them; what lies beyond is not seen by the model.
    """

    def __init__(self, folder: Path) -> None:
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.limit = max_sequence(folder) - 2

    def count(self, text: str) -> int:
        """Return the number of pieces, marks not counted."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return `count` of each text."""
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(pieces) for pieces in encoded]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where each piece stands in `text`: code points, end exclusive."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)


def max_sequence(folder: Path) -> int:
    """Return how many pieces the model in `folder` takes in, marks included."""
    settings = folder / "sentence_bert_config.json"
    if settings.exists():
        length = json.loads(settings.read_text()).get("max_seq_length")
        if isinstance(length, int):
            return length
    return int(json.loads((folder / "config.json").read_text())["max_position_embeddings"])
