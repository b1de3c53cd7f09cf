"""Splits text into sentences: prose, headings, list items and table rows.

Plain rules, no model. A blank line always ends a sentence. A single line end does so only beside a
heading, a list item or a table row, because most texts wrap their lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 600
"""Longer sentences are cut at a semicolon, a line end, a comma or a space, in that order."""
SHORTEST_CUT = 120

# A full stop with what follows it, or one or more line ends. Quotes and brackets belong to the end.
CANDIDATE = re.compile(
    r"(?P<stop>(?:[.!?]+|[…。！？])[\"'”’»)\]*_]*)(?:(?P<wide>(?<=[。！？”』」]))|(?=\s|\Z))"
    r"|(?P<blank>\n[ \t]*\n)|(?P<line>\n)"
)
# Words before a full stop that does not end a sentence. Compared without case and inner stops.
ABBREVIATIONS = frozenset(
    # titles and names
    "mr mrs ms dr prof rev hon sen rep gov gen col lt capt sgt st jr sr messrs mme esq fr "
    # law, business, reference
    "v vs inc corp ltd llc co cos bros no nos art arts sec secs para paras cl ch chap pt pts fig "
    "figs vol vols ed eds p pp app ex exh exs id cf al et seq supp stat reg regs cir dist ct div "
    "ann cal conn del fla ill mass mich minn okla pa tex va wash assn dept natl intl govt "
    # writing
    "eg ie viz approx ca est incl excl resp tel ext attn c/o a/k/a aka dba "
    # time
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur fri sat sun "
    # medicine and measures
    "pt hr hrs min max mg ml kg cm mm lb lbs oz in ft yr yrs mo wk temp resp".split()
)
# These end sentences as often as not: the next word decides.
OFTEN_LAST = frozenset("inc corp ltd llc co cos esq jr sr al seq us usa uk eu am pm etc".split())
# Words that begin a sentence far more often than they stand inside a name.
STARTERS = frozenset(
    "the a an this that these those it its he she they we you i in on at if when while where as "
    "for from by with and but or however each any all no such there their his her our your to "
    "after before under upon both neither either".split()
)
LAST_WORD = re.compile(r"(?:[^\W\d_](?:[\w./&]*\w)?|\d[\d.]*)\Z")
NEXT_WORD = re.compile(r"\s+[\"'“‘«(\[]*(\S+)")
DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]\Z")
LINE_START = re.compile(
    r"[ \t]*(?:[-*+•‣◦▪●○■□–—·][ \t]+\S|#{1,6}[ \t]|\|"
    r"|\(?(?:\d{1,3}|[a-zA-Z]|[ivxlIVXL]{1,5})[.)][ \t]+\S"
    r"|\((?:\d{1,3}|[a-zA-Z]|[ivxlIVXL]{1,5})\)|(?:\d{1,3}\.){1,5}\d{0,3}[ \t]+\S"
    r"|(?:ARTICLE|Article|SECTION|Section|CHAPTER|Chapter|SCHEDULE|EXHIBIT|ANNEX|APPENDIX|PART)"
    r"[ \t]+[\dIVXLA-Z]+\b)"
)
LABEL_ONLY = re.compile(
    r"(?:\A|\n)[ \t>]*(?:(?:ARTICLE|Article|SECTION|Section|Sec)?\.?[ \t]*"
    r"(?:\(?[\dA-Za-z]{1,3}\)?|[IVXLivxl]{1,6}|\d{1,3}(?:\.\d{1,3})*))\Z"
)
HEADING_LINE = re.compile(r"[ \t]*(?:#{1,6}[ \t]|[=\-_*]{4,}[ \t]*\Z)")
SOFT_ENDS = (re.compile(r";\s+"), re.compile(r"\n"), re.compile(r"[:,]\s+"), re.compile(r"\s+"))
MARGIN = 48
SHORT_HEADING = 45
"""A numbered line of at most so many characters is a heading rather than wrapped prose."""


@dataclass(frozen=True, slots=True)
class Span:
    """A sentence's place in the text: code points, end exclusive, no space at either end."""

    start: int
    end: int


def split(text: str) -> list[Span]:
    """The sentences of a text in order. Together they hold every character that is not space."""
    spans: list[Span] = []
    start = 0
    for end in _ends(text):
        spans += _trimmed(text, start, end)
        start = end
    spans += _trimmed(text, start, len(text))
    return spans


def _ends(text: str) -> Iterator[int]:
    for match in CANDIDATE.finditer(text):
        kind = match.lastgroup
        if kind == "blank":
            yield match.start()
        elif kind == "line":
            if _line_ends_sentence(text, match.start()):
                yield match.start()
        elif kind == "wide" or _stop_ends_sentence(text, match.start(), match.end("stop")):
            yield match.end("stop")


def _stop_ends_sentence(text: str, stop: int, end: int) -> bool:
    if text[stop:end] != ".":
        return _next_may_start(text, end)
    before = text[max(0, stop - MARGIN) : stop]
    word = LAST_WORD.search(before)
    if word is None:
        return True
    last = word.group()
    if LABEL_ONLY.search(before):
        return False
    following = NEXT_WORD.match(text, end)
    if following is None:
        return True
    if len(last) == 1 and last.isalpha():
        # An initial, or a part of an abbreviation such as "e. g."; "I" does end sentences.
        return last == "I" and following[1][0].isupper()
    plain = last.lower().replace(".", "")
    if DOTTED.search(last) or plain in ABBREVIATIONS or plain in OFTEN_LAST:
        starts_new = following[1][0].isupper() and following[1].lower() in STARTERS
        return starts_new and (plain in OFTEN_LAST or DOTTED.search(last) is not None)
    return _next_may_start(text, end)


def _next_may_start(text: str, end: int) -> bool:
    """Whether what follows can begin a sentence: anything but a small letter or a comma."""
    following = NEXT_WORD.match(text, end)
    return following is None or not (following[1][0].islower() or following[1][0] in ",;:")


def _line_ends_sentence(text: str, at: int) -> bool:
    following_end = text.find("\n", at + 1)
    following = text[at + 1 : following_end if following_end >= 0 else len(text)]
    if LINE_START.match(following):
        return True
    line = text[text.rfind("\n", 0, at) + 1 : at]
    if " | " in line or " | " in following or "\t" in line.strip():
        return True
    if HEADING_LINE.match(line) or HEADING_LINE.match(following):
        return True
    bare = line.strip()
    if not bare or bare[-1] in ",;-–":
        return False
    if bare[-1] in ":" and len(bare) < 80:
        return True
    if len(bare) <= SHORT_HEADING and LINE_START.match(bare) and following[:1].isupper():
        return bare[-1].isalnum()
    return _is_capitals(bare) and not _is_capitals(following.strip())


def _is_capitals(line: str) -> bool:
    """Whether the line is a short one in capitals, as headings are."""
    return len(line) <= 90 and line.isupper() and sum(map(str.isalpha, line)) >= 3


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > LONGEST:
        cut = _soft_end(text, start)
        yield from _trimmed(text, start, cut)
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield Span(start, end)


def _soft_end(text: str, start: int) -> int:
    for soft in SOFT_ENDS:
        places = [
            match.end() for match in soft.finditer(text, start + SHORTEST_CUT, start + LONGEST)
        ]
        if places:
            return places[-1]
    return start + LONGEST
