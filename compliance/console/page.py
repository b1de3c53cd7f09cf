"""What the console shows of one search: chips, counts, the histogram, a page of rows, addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from compliance.console import counting, reading
from compliance.console.chart import Chart, chart
from compliance.console.counting import Counts, Facet
from compliance.console.describe import short
from compliance.console.filter import Filter
from compliance.console.search import NONE, Search, Term, parse, terms_in, written
from compliance.console.span import RANGES, USUAL_RANGE, beginning

COLUMNS = {
    "who": "Person",
    "action": "Action",
    "object": "Object",
    "matter": "Matter",
    "outcome": "Outcome",
    "proof": "Proof",
}
USUAL_COLUMNS = ("action", "outcome", "proof")
FACET_KEYS = {"outcome": "outcome", "type": "action", "actor": "actor", "matter": "matter"}
FACET_NAMES = {"outcome": "Outcome", "type": "Action", "actor": "Person", "matter": "Matter"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an address asks for: everything on the page is in it."""

    terms: list[Term]
    range: str
    zone: ZoneInfo
    columns: tuple[str, ...]
    is_roomy: bool
    older: str
    newer: str
    problems: tuple[str, ...]

    @property
    def q(self) -> str:
        """The search as one line."""
        return written(self.terms)

    @property
    def has_own_range(self) -> bool:
        """Whether the search itself says from when to when."""
        return any(term.key in ("after", "before") and not term.excluded for term in self.terms)

    def address(self, terms: list[Term] | None = None, **changes: str) -> str:
        """The query of an address like this one, with other terms or values; the first page."""
        values = {
            "q": written(self.terms if terms is None else terms),
            "range": "" if self.range == USUAL_RANGE or self.has_own_range else self.range,
            "zone": self.zone.key,
            "columns": "" if self.columns == USUAL_COLUMNS else " ".join(self.columns) or "time",
            "rows": "roomy" if self.is_roomy else "",
        }
        return urlencode({key: value for key, value in (values | changes).items() if value})


def asked(values: Mapping[str, str], *, usual_zone: str) -> Asked:
    """Read an address. Qualifiers given as fields of their own become terms of the search."""
    zone, problems = _zone(values.get("zone", "") or usual_zone)
    span = values.get("range", "")
    columns = values.get("columns", "").split() or list(USUAL_COLUMNS)
    return Asked(
        terms=_terms(values),
        range=span if span in RANGES else USUAL_RANGE,
        zone=zone,
        columns=tuple(name for name in COLUMNS if name in columns),
        is_roomy=values.get("rows", "") == "roomy",
        older=values.get("older", ""),
        newer=values.get("newer", ""),
        problems=problems,
    )


def _terms(values: Mapping[str, str]) -> list[Term]:
    """The terms of an address. A range that was just chosen takes the place of one in the search;
    dates that were filled in do so as well."""
    terms = terms_in(values.get("q", ""), values)
    span = values.get("range", "")
    if span in RANGES and span != values.get("was", span):
        return [term for term in terms if term.excluded or term.key not in ("after", "before")]
    newest = {term.key: term for term in terms if not term.excluded}
    return [
        term
        for term in terms
        if term.excluded or term.key not in ("after", "before") or newest[term.key] is term
    ]


def understood(page: Asked, text: str, *, now: datetime) -> Search:
    """The search of a page: `text` is what was typed, checked for its length."""
    search = parse(text if len(text) > len(page.q) else page.q, {}, zone=page.zone, now=now)
    if page.has_own_range or search.problems:
        return search
    after = beginning(page.range, now)
    return Search(wanted=search.wanted, unwanted=search.unwanted, after=after)


def _zone(name: str) -> tuple[ZoneInfo, tuple[str, ...]]:
    try:
        return ZoneInfo(name), ()
    except (KeyError, ValueError, OSError):
        problem = f"There is no time zone “{name}”. Write one like Europe/Paris or UTC."
        return ZoneInfo("UTC"), (problem,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One term of the search, how it reads, and the address without it."""

    words: str
    excluded: bool
    without: str


def chips(page: Asked) -> list[Chip]:
    """The terms of a search, each to be taken away."""
    names = reading.names_of(filter(None, (_uuid(term.value) for term in page.terms)))
    return [
        Chip(
            words=f"{term.key}: {_label(term.value, names)}" if term.key else term.value,
            excluded=term.excluded,
            without=page.address([other for other in page.terms if other is not term]),
        )
        for term in page.terms
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value of a facet: how many, and the addresses that ask for it alone or keep it out."""

    label: str
    count: int
    only: str
    without: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """One facet as it is shown, and how many more values there are."""

    name: str
    key: str
    choices: list[Choice]
    more: int


def facets(page: Asked, found: Counts) -> list[Choices]:
    """The facets of what was found, each value with its addresses."""
    who = [value for key in ("actor", "matter") for value, _ in found.facets[key].values]
    names = reading.names_of(filter(None, (_uuid(value) for value in who)))
    return [_choices(page, column, found.facets[column], names) for column in FACET_KEYS]


def _choices(page: Asked, column: str, facet: Facet, names: Mapping[UUID, str]) -> Choices:
    key = FACET_KEYS[column]
    choices = []
    for value, count in facet.values:
        word = value or NONE
        only = Term(excluded=False, key=key, value=word)
        without = Term(excluded=True, key=key, value=word)
        chosen = str(only) in {str(term) for term in page.terms}
        choices.append(
            Choice(
                label=_none_of(column) if value is None else _label(value, names),
                count=count,
                only=page.address(
                    [term for term in page.terms if str(term) != str(only)]
                    if chosen
                    else [*page.terms, only]
                ),
                without=page.address([*page.terms, without]),
                chosen=chosen,
            )
        )
    more = facet.distinct - len(facet.values)
    return Choices(name=FACET_NAMES[column], key=key, choices=choices, more=more)


def _none_of(column: str) -> str:
    return "The system" if column == "actor" else "No matter"


def _label(value: str, names: Mapping[UUID, str]) -> str:
    identifier = _uuid(value)
    return value if identifier is None else names.get(identifier) or short(identifier)


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A row of the histogram's table: a stretch of time and the address that asks for it alone."""

    begins: datetime
    ends: datetime
    counts: list[tuple[str, int]]
    total: int
    x: int
    only: str


def bars(page: Asked, drawn: Chart) -> list[Bar]:
    """The bars of a histogram that hold something, newest first, as a table."""
    return [
        Bar(
            begins=bar.begins,
            ends=bar.ends,
            counts=bar.counts,
            total=bar.total,
            x=bar.x,
            only=page.address(during(page, bar.begins, bar.ends)),
        )
        for bar in reversed(drawn.bars)
        if bar.total
    ]


def during(page: Asked, begins: datetime, ends: datetime) -> list[Term]:
    """The terms of a page for another time range."""
    kept = [term for term in page.terms if term.key not in ("after", "before")]
    return [
        *kept,
        Term(excluded=False, key="after", value=_iso(begins)),
        Term(excluded=False, key="before", value=_iso(ends)),
    ]


def _iso(time: datetime) -> str:
    text = time.astimezone(UTC).isoformat(timespec="minutes")
    return text.replace("T00:00+00:00", "T00:00Z").replace("+00:00", "Z")


def found(page: Asked, meant: Filter, *, now: datetime, read: UUID) -> dict[str, Any]:
    """What the page shows of a search that was understood; `read` is the event of this reading."""
    counted = counting.counts(meant, now=now)
    older, newer = reading.place(page.older), reading.place(page.newer)
    events = reading.find(meant, leave_out=read, older_than=older, newer_than=newer)
    drawn = chart(counted.bars, counted.by_bar)
    return {
        "events": events.events,
        "older": page.address(older=str(events.older)) if events.older else None,
        "newer": page.address(newer=str(events.newer)) if events.newer else None,
        "newest": page.address() if older or newer else None,
        "counts": counted,
        "chart": drawn,
        "bars": bars(page, drawn),
        "facets": facets(page, counted),
        "most_read": counting.MOST_READ,
        "from_time": counted.bars.first,
        "to_time": counted.bars.begins(counted.bars.count),
    }
