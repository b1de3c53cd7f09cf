"""`make bench`, or `python -m tests.bench [NAME…]`: measurements, side by side, as one table."""

import argparse

from tests.bench.table import Row, note, show
from tests.installation import free_port, set_apart

MODEL_PORT = free_port()
HOME = set_apart("cloister-bench-", model_port=MODEL_PORT)

import django  # noqa: E402

django.setup()

from tests.bench import (  # noqa: E402
    asking,
    console,
    content,
    ledger,
    page,
    papers,
    place,
    rights,
    verifying,
)

BENCHES = {
    "asking": asking.run,
    "papers": papers.run,
    "page": page.run,
    "rights": rights.run,
    "ledger": lambda place: [*ledger.run(place), *verifying.run(place)],
    "content": content.run,
    "console": console.run,
}


def main() -> None:
    """Run the benches that were named, or all; exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHES)}; default: all")
    names = parser.parse_args().names or list(BENCHES)
    rows: list[Row] = []
    with place.opened(HOME, MODEL_PORT) as opened:
        for name in names:
            rows += BENCHES[name](opened)
    note("")
    show(rows)
    raise SystemExit(0 if all(row.met for row in rows) else 1)


if __name__ == "__main__":
    main()
