"""Makes the result of a format that has no pages of its own."""

from assistant.documents.parse.clean import clean_text, hidden_note
from assistant.documents.parse.reading_pages import reading_pages
from assistant.documents.parse.values import Cause, Limits, Parsed, Rejected


def unpaged(raw: str, kind: str, limits: Limits, notes: tuple[str, ...] = ()) -> Parsed:
    """Cleans the text and cuts it into reading pages. Raises `Rejected` if nothing is left."""
    if len(raw) > limits.text_chars:
        raise Rejected(
            f"The file holds more than {limits.text_chars:,} characters of text. "
            "Split it and upload the parts.",
            cause=Cause.TOO_LARGE,
        )
    text, hidden = clean_text(raw)
    if not text:
        raise Rejected("The file holds no text.", cause=Cause.NO_TEXT)
    return Parsed(
        text=text, pages=reading_pages(text), kind=kind, notes=notes + hidden_note(hidden)
    )
