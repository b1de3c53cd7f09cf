"""Reads the visible text of a web page. Nothing is fetched, nothing runs."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree
from lxml import html as lxml_html

from assistant.documents.parse.formats import text as plain
from assistant.documents.parse.result import unpaged
from assistant.documents.parse.values import Cause, Limits, Parsed, Rejected

NAME = "a web page"
SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
IS_TEXT = True

START = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+)?html",
    re.I | re.S,
)
DECLARED = re.compile(
    rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)|<\?xml[^>]+encoding=[\"']([\w-]+)", re.I
)
XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|font-size\s*:\s*[01](?:\.\d+)?\s*(?:p[xt])?\s*(?:;|$)"
    r"|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)|text-indent\s*:\s*-\d{3,}|(?:left|top)\s*:\s*-\d{4,}",
    re.I,
)
DROPPED = frozenset(
    "script style template noscript head svg math iframe object embed audio video canvas".split()
)
PARAGRAPHS = frozenset(
    "p div h1 h2 h3 h4 h5 h6 ul ol dl table section article header footer nav main aside form "
    "blockquote pre figure summary legend figcaption fieldset address hr title caption body "
    "center details".split()
)
LINES = frozenset("br li tr dt dd option".split())
CELLS = frozenset({"td", "th"})
IN_CELL = frozenset("p div br ul ol li h1 h2 h3 h4 h5 h6 center blockquote".split())


def matches(head: bytes, name: str, zip_names: frozenset[str]) -> bool:
    """Whether the content opens like a web page, or the name says so and the content is text."""
    if zip_names or not plain.looks_like_text(head):
        return False
    named_otherwise = "." in name and not name.endswith(tuple(SUFFIXES))
    return name.endswith(tuple(SUFFIXES)) or (START.match(head) is not None and not named_otherwise)


def read(file: BinaryIO, limits: Limits) -> Parsed:
    """Blocks stand apart by a blank line, rows and items by a line end, cells by ` | `."""
    source, notes = _decode(plain.read_all(file))
    parser = lxml_html.HTMLParser(
        no_network=True, huge_tree=False, remove_comments=True, remove_pis=True, recover=True
    )
    try:
        root = lxml_html.document_fromstring(XML_DECLARATION.sub("", source), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise Rejected("The file holds no text.", cause=Cause.NO_TEXT) from error
    visible = _Visible(root)
    raw = "".join(visible.pieces())
    if visible.hidden:
        notes += ("Text that a reader would not see was left out.",)
    return unpaged(_tidy(raw), "html", limits, notes)


class _Visible:
    """Walks the tree without recursion and yields what a reader would see."""

    def __init__(self, root: etree._Element) -> None:
        self.root = root
        self.hidden = False
        self.cell_depth = 0
        self.pre_depth = 0

    def pieces(self) -> Iterator[str]:
        """Text and separators; `\\x1e` stands for a blank line, `\\x1f` for a cell border."""
        title = self.root.findtext("head/title")
        if title:
            yield " ".join(title.split()) + "\x1e"
        walk = etree.iterwalk(self.root, events=("start", "end"))
        for event, element in walk:
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                if self._is_hidden(element, tag):
                    walk.skip_subtree()
                    # The end event still comes, and brings the tail with it.
                    continue
                yield from self._open(tag)
                yield self._text(element.text)
            else:
                yield from self._close(element, tag)
                if element is not self.root:
                    yield self._text(element.tail)

    def _open(self, tag: str) -> Iterator[str]:
        if tag == "pre":
            self.pre_depth += 1
        yield self._border(tag)
        if tag == "li":
            yield "- "
        if tag in CELLS:
            self.cell_depth += 1

    def _close(self, element: etree._Element, tag: str) -> Iterator[str]:
        if tag in DROPPED or self._is_hidden(element, tag):
            return
        if tag == "pre":
            self.pre_depth -= 1
        if tag in CELLS:
            self.cell_depth -= 1
            yield "\x1f"
        elif tag not in LINES:
            yield self._border(tag)

    def _border(self, tag: str) -> str:
        if self.cell_depth and tag in IN_CELL:
            return " "
        if tag in PARAGRAPHS:
            return "\x1e"
        return "\n" if tag in LINES else ""

    def _text(self, text: str | None) -> str:
        if not text:
            return ""
        text = text.replace("\x1e", " ").replace("\x1f", " ")
        return text if self.pre_depth else re.sub(r"[ \t\r\n\f]+", " ", text)

    def _is_hidden(self, element: etree._Element, tag: str) -> bool:
        if tag in DROPPED:
            return True
        style = element.get("style")
        hidden = element.get("hidden") is not None or bool(style and HIDDEN_STYLE.search(style))
        if hidden and not self.hidden:
            self.hidden = any(str(piece).strip() for piece in element.itertext())
        return hidden


def _decode(content: bytes) -> tuple[str, tuple[str, ...]]:
    declared = DECLARED.search(content[:4_096])
    if declared and not content.startswith(tuple(bom for bom, _ in plain.BOMS)):
        name = (declared[1] or declared[2]).decode("ascii", "replace")
        try:
            return content.decode(name), ()
        except (LookupError, UnicodeDecodeError):
            pass  # a wrong declaration is common; the bytes decide
    return plain.decode(content)


def _tidy(raw: str) -> str:
    """Turns the separators into line ends, blank lines and ` | `, and drops empty cells."""
    raw = re.sub(r"[ \n]*\x1f(?:[ \n]*\x1f)*[ \n]*", " | ", raw)
    raw = re.sub(r"(?: \| )?(?:[ \t]*\n[ \t]*)*[ \t]*\x1e[\s\x1e]*", "\n\n", raw)
    raw = re.sub(r" \| (?=\n)|(?<=\n) \| ", "", raw)
    raw = re.sub(r"[ \t]*\n[ \t]*", "\n", raw)
    return re.sub(r"(?m)^- \s+", "- ", raw)
