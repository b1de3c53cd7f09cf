"""Reads Word documents: the words a reader would see, in order. Nothing is fetched or run."""

from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from assistant.documents.parse.archive import Archive, open_archive
from assistant.documents.parse.formats.docx_numbering import Numbering
from assistant.documents.parse.result import unpaged
from assistant.documents.parse.values import Cause, Limits, Parsed, Rejected

NAME = "a Word document"
SUFFIXES = frozenset({".docx", ".docm"})
IS_TEXT = False

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
STRICT_W = "http://purl.oclc.org/ooxml/wordprocessingml/main"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
MAIN = "word/document.xml"
# Deleted and moved-away text, field codes and properties are not part of what a reader sees.
SKIPPED = frozenset(
    W + name for name in ("del", "moveFrom", "instrText", "delText", "pPr", "rPr", "tblPr", "sdtPr")
) | {MC + "Fallback"}
BREAKS = {W + "tab": "\t", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-"}
NOTE_MARKS = {W + "footnoteReference": "note", W + "endnoteReference": "end note"}


def matches(head: bytes, name: str, zip_names: frozenset[str]) -> bool:
    """Whether the zip holds a Word document."""
    return MAIN in zip_names


def read(file: BinaryIO, limits: Limits) -> Parsed:
    """Body, then headers, footers, notes and comments, each block apart by a blank line."""
    archive = open_archive(file, limits)
    document = archive.xml(MAIN)
    if document is None or STRICT_W in document.nsmap.values():
        raise Rejected(
            "This variant of Word document cannot be read. Save it as an ordinary .docx or as PDF.",
            cause=Cause.DAMAGED,
        )
    numbering, styles = archive.xml("word/numbering.xml"), archive.xml("word/styles.xml")
    reader = _Reader(Numbering.of(numbering, styles))
    blocks = [*reader.blocks(document), *_around(archive, reader)]
    notes: tuple[str, ...] = ()
    if any(name.lower().endswith("vbaproject.bin") for name in archive.names):
        notes += ("The file contains macros. They were not run, and are not part of the text.",)
    if reader.skipped_changes:
        notes += ("Text marked as deleted was left out; inserted text was read.",)
    if reader.hidden:
        notes += ("Text that a reader would not see was left out.",)
    return unpaged("\n\n".join(blocks), "docx", limits, notes)


def _around(archive: Archive, reader: "_Reader") -> Iterator[str]:
    """What stands outside the body: headers and footers once each, notes, comments."""
    names = sorted(archive.names)
    seen: set[str] = set()
    for prefix in ("word/header", "word/footer"):
        for name in names:
            part = archive.xml(name) if name.startswith(prefix) and name.endswith(".xml") else None
            for block in reader.blocks(part) if part is not None else ():
                if block not in seen:
                    seen.add(block)
                    yield block
    for name, tag, label in (
        ("word/footnotes.xml", "footnote", "note"),
        ("word/endnotes.xml", "endnote", "end note"),
    ):
        part = archive.xml(name)
        for note in part.iterfind(W + tag) if part is not None else ():
            text = " ".join(reader.blocks(note))
            if text and note.get(W + "type") in (None, "normal"):
                yield f"[{label} {note.get(W + 'id')}] {text}"
    comments = archive.xml("word/comments.xml")
    for comment in comments.iterfind(W + "comment") if comments is not None else ():
        text = " ".join(reader.blocks(comment))
        if text:
            yield f"[comment by {comment.get(W + 'author') or 'unknown'}] {text}"


class _Reader:
    """Turns WordprocessingML into blocks of text."""

    def __init__(self, numbering: Numbering) -> None:
        self.numbering = numbering
        self.skipped_changes = False
        self.hidden = False

    def blocks(self, container: etree._Element) -> Iterator[str]:
        """Paragraphs and tables below the element, in reading order; text boxes come after."""
        for child in container:
            if child.tag in SKIPPED:
                self._note_skipped(child)
            elif child.tag == W + "p":
                yield from self._paragraph(child)
            elif child.tag == W + "tbl":
                rows = "\n".join(self._rows(child))
                if rows:
                    yield rows
            elif isinstance(child.tag, str):
                yield from self.blocks(child)

    def _paragraph(self, paragraph: etree._Element) -> Iterator[str]:
        boxes: list[etree._Element] = []
        text = "".join(self._runs(paragraph, boxes)).strip(" ")
        label = self.numbering.label(paragraph) if text else ""
        if text:
            yield f"{label} {text}" if label else text
        for box in boxes:
            yield from self.blocks(box)

    def _runs(self, element: etree._Element, boxes: list[etree._Element]) -> Iterator[str]:
        for child in element:
            if child.tag in SKIPPED:
                self._note_skipped(child)
            elif child.tag == W + "t":
                yield child.text or ""
            elif child.tag == W + "r" and self._is_hidden(child):
                self.hidden = True
            elif child.tag in BREAKS:
                yield BREAKS[child.tag]
            elif child.tag in NOTE_MARKS:
                yield f" [{NOTE_MARKS[child.tag]} {child.get(W + 'id')}]"
            elif child.tag == W + "txbxContent":
                boxes.append(child)
            elif isinstance(child.tag, str):
                yield from self._runs(child, boxes)

    def _rows(self, table: etree._Element) -> Iterator[str]:
        for row in table.iterchildren(W + "tr", W + "sdt"):
            cells = [" ".join(self.blocks(cell)) for cell in self._cells(row)]
            filled = [" ".join(cell.split()) for cell in cells]
            if any(filled):
                yield " | ".join(filter(None, filled))

    def _cells(self, row: etree._Element) -> Iterator[etree._Element]:
        for child in row.iter(W + "tc"):
            nearest = next(child.iterancestors(W + "tr"), None)
            if nearest is row or row.tag == W + "sdt":
                yield child

    def _is_hidden(self, run: etree._Element) -> bool:
        mark = run.find(f"{W}rPr/{W}vanish")
        return mark is not None and mark.get(W + "val") not in ("0", "false", "off")

    def _note_skipped(self, element: etree._Element) -> None:
        if element.tag in (W + "del", W + "moveFrom"):
            self.skipped_changes = True
