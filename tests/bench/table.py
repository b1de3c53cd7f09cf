"""The rows a bench prints: what was asked for, what was reached."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One path, its goal, what was measured in this run, and whether that meets the goal.

    A row without a goal is there to compare with.
    """

    path: str
    goal: str
    measured: str
    met: bool


def show(rows: Iterable[Row]) -> None:
    """Print the rows as a Markdown table, as they stand in docs/architecture.md."""
    sys.stdout.write("| Path | Goal | Measured | Met |\n|---|---|---|---|\n")
    for row in rows:
        met = ("yes" if row.met else "**no**") if row.goal else ""
        sys.stdout.write(f"| {row.path} | {row.goal} | {row.measured} | {met} |\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Say on standard error what is being done."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of the values do not pass; nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def p50(values: Sequence[float]) -> float:
    return percentile(values, 0.50)


def p95(values: Sequence[float]) -> float:
    return percentile(values, 0.95)
