"""A signed head on one sheet of paper: to be printed, signed by hand and put into a binder."""

import io
from datetime import datetime
from html import escape

import segno

from compliance.ledger.anchors import one_line

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The record at {size} events</title>
<style>
@page {{ size: A4; margin: 20mm }}
body {{ font: 11pt/1.5 system-ui, sans-serif; color: #000; background: #fff; max-width: 170mm }}
h1 {{ font-size: 16pt }}
pre {{ font: 9pt/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }}
svg {{ width: 70mm; height: 70mm }}
p.line {{ margin-top: 20mm; border-top: 1px solid #000; padding-top: 2mm }}
</style>
<h1>The record at {size} events</h1>
<p>Signed {signed_at}. Whoever holds this sheet can tell later whether the first {size} events of
the record are still the ones that were there when it was printed. The code holds the text
below.</p>
{code}
<pre>{note}</pre>
<p>To compare: type or scan the text into a file and run
<code>python verify.py EXPORT --kept FILE</code>, with an export of the record.</p>
<p class="line">Date, name, signature</p>
</html>
"""


def page(note: str, *, size: int, signed_at: datetime) -> str:
    """The sheet, as a page that needs nothing else. The code holds the head in one line."""
    return _PAGE.format(
        size=size,
        signed_at=f"{signed_at:%d %B %Y, %H:%M:%S} UTC",
        code=qr_svg(one_line(note)),
        note=escape(note),
    )


def qr_svg(note: str) -> str:
    """A signed head as a QR code, as SVG without colours of its own: for a page and for paper."""
    code = segno.make(note, error="m", micro=False)
    drawn = io.BytesIO()
    code.save(drawn, kind="svg", xmldecl=False, svgns=True, border=4, scale=4, omitsize=True)
    return drawn.getvalue().decode()
