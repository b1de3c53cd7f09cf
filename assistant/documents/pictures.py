"""Pictures of pages: drawn once for the page that is shown and for the browser's fetch after it.

Whoever calls has found the version through `library`, so the right to see it is checked already.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from assistant.documents import library
from assistant.documents.library import Span
from assistant.documents.models import Version
from assistant.documents.parse import ParseError
from assistant.documents.render import Rendered

WIDTH = 1200
"""Pixels; sharp enough for a pane on a dense screen, and small enough to send."""

MOST_KEPT = 24
"""Pictures kept in this process, at 100 to 300 kB each."""

_Key = tuple[str, int, tuple[Span, ...]]
_kept: OrderedDict[_Key, Rendered] = OrderedDict()
_lock = Lock()


def picture_of(version: Version, number: int, spans: Sequence[Span] = ()) -> Rendered | None:
    """The page as a picture with boxes around the spans; None when it cannot be drawn.

    Raises Missing when there is no such page.
    """
    key = (version.sha256, number, tuple(spans))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    try:
        drawn = library.image_of_page(version, number, spans=spans, width=WIDTH)
    except (ParseError, OSError):
        return None
    with _lock:
        _kept[key] = drawn
        # The browser asks for the bare picture next.
        _kept[(version.sha256, number, ())] = drawn
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return drawn
