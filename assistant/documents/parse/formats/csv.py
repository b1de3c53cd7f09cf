"""Reads tables of values. Each row becomes one line that names its columns."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from assistant.documents.parse.formats import text as plain
from assistant.documents.parse.result import unpaged
from assistant.documents.parse.values import Cause, Limits, Parsed, Rejected

NAME = "a CSV table"
SUFFIXES = frozenset({".csv", ".tsv"})
IS_TEXT = True

DELIMITERS = ",;\t|"
SAMPLE_ROWS = 25


def matches(head: bytes, name: str, zip_names: frozenset[str]) -> bool:
    """Whether the name says CSV and the content is text."""
    return name.endswith(tuple(SUFFIXES)) and plain.matches(head, name, zip_names)


def read(file: BinaryIO, limits: Limits) -> Parsed:
    """One line a row: `header: value | header: value`; without a header the values alone."""
    source, notes = plain.decode(plain.read_all(file))
    delimiter = _delimiter(source)
    try:
        lines = "\n\n".join(_lines(source, delimiter))
    except csv.Error as error:
        raise Rejected(
            f"The table cannot be read: {error}. Save it again as CSV in UTF-8.",
            cause=Cause.DAMAGED,
        ) from error
    return unpaged(lines, "csv", limits, notes)


def _lines(source: str, delimiter: str) -> Iterator[str]:
    rows = (row for row in _rows(source, delimiter) if any(row))
    first = next(rows, [])
    second = next(rows, [])
    header = first if second and _is_header(first) else []
    if not header:
        yield " | ".join(filter(None, first))
    for row in (second, *rows):
        if row:
            yield _line(header, row)


def _line(header: list[str], row: list[str]) -> str:
    names = header + [""] * (len(row) - len(header))
    return " | ".join(
        f"{name}: {value}" if name else value
        for name, value in zip(names, row, strict=False)
        if value
    )


def _rows(source: str, delimiter: str) -> Iterator[list[str]]:
    for row in csv.reader(io.StringIO(source), delimiter=delimiter):
        yield [" ".join(cell.split()) for cell in row]


def _delimiter(source: str) -> str:
    """The delimiter that gives the most rows of one same width above one."""

    def agreement(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in islice(_rows(source, delimiter), SAMPLE_ROWS) if row]
        except csv.Error:
            return 0, 0
        common = max(set(widths), key=widths.count, default=1)
        return (widths.count(common), common) if common > 1 else (0, 0)

    return max(DELIMITERS, key=agreement)


def _is_header(row: list[str]) -> bool:
    """A first row names columns if its cells are filled, different and not numbers."""
    filled = [cell for cell in row if cell]
    return (
        len(filled) >= len(row) - 1
        and len(set(filled)) == len(filled)
        and not any(
            cell.lstrip("+-=@$€£").replace(".", "").replace(",", "").isdigit() for cell in filled
        )
    )
