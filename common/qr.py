"""QR codes as drawings: lines in SVG that need no style, no script and no other file."""

import io

import segno


def svg(words: str) -> str:
    """The words as a QR code, dark on its own white ground whatever the page's colours, with its quiet border."""
    drawn = io.BytesIO()
    segno.make(words, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, nl=False, omitsize=True, border=4, light="#fff", svgclass=None, lineclass=None
    )
    return drawn.getvalue().decode()
