"""How the data docs look without the style sheets and scripts that Great Expectations fetches from servers abroad.

The class names are its own (Bootstrap's, and a few that begin with `ge-`); what scripts did, CSS does: a box opens when
its link is followed, and "Failed Only" hides what holds.
"""

from importlib.resources import files

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""A browser that reads this asks no server for anything, and runs no script, whatever the page says."""


def head() -> str:
    """What goes into the head of each page."""
    style = (files("padstal.curation.expectations") / "data_docs.css").read_text(encoding="utf-8")
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>\n{style}</style>'
    )


def index(rows: str) -> str:
    """The first page, around the rows of its table."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Data docs</title>{head()}</head>
<body><main>
<h1>Data docs</h1>
<p>What was expected of the data, and what became of it. Drawn by Great Expectations.</p>
<table><thead><tr><th>Table</th><th>Verdict</th><th>Found</th><th>Asked</th></tr></thead><tbody>
{rows}
</tbody></table>
</main></body>
</html>
"""
