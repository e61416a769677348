"""How the data docs look without the style sheets and scripts that Great Expectations fetches from servers abroad.

The class names are its own (Bootstrap's, and a few that begin with `ge-`); what scripts did, CSS does: a box opens when
its link is followed, and "Failed Only" hides what holds.
"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""A browser that reads this asks no server for anything, and runs no script, whatever the page says."""

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #1a7f37; --bad: #cf222e; --link: #0969da; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #ff7b72; --link: #58a6ff; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); }
h1 { font-size: 1.5rem; } h5 { font-size: 1.2rem; } h4, h6, .h6 { font-size: 1rem; font-weight: 600; }
h1, h4, h5, h6, p { margin: 0 0 .4rem; }
nav.navbar { padding: .8rem 1.2rem; border-bottom: 1px solid var(--line); height: auto !important; }
.ge-breadcrumbs, .nav { list-style: none; margin: 0; padding: 0; }
.ge-breadcrumbs { display: flex; gap: .6rem; } .ge-breadcrumbs-item + .ge-breadcrumbs-item::before { content: "/ "; }
.container-fluid, main { padding: 0 1.2rem; } main { max-width: 60rem; margin: 1.5rem auto; }
body > .container-fluid > .row { display: grid; grid-template-columns: minmax(11rem, 1fr) 5fr; gap: 1.5rem; }
body > .container-fluid > .row { padding-top: 1rem; }
.sticky { position: sticky; top: 1rem; }
.card, .alert { border: 1px solid var(--line); border-radius: .4rem; margin-bottom: 1rem; }
.card { background: var(--soft); overflow: hidden; } .card-header, .card-body, .alert { padding: .5rem .8rem; }
.card-header { border-bottom: 1px solid var(--line); } .alert { background: var(--soft); }
#navigation { border: 0; padding: .3rem; } .nav-link { display: block; padding: .1rem .3rem; text-decoration: none; }
.ge-section { margin-bottom: 1.2rem; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-top: 1px solid var(--line); }
th, td { overflow-wrap: break-word; } th, .fas { white-space: nowrap; } .ge-section th:first-child { width: 7rem; }
thead[hidden] { display: none; }
.table-responsive, .show-scrollbars { overflow-x: auto; max-width: 100%; }
.show-scrollbars { max-height: 24rem; overflow-y: auto; }
code, pre { background: var(--soft); border-radius: .2rem; padding: 0 .2rem; white-space: pre-wrap; }
.badge { border: 1px solid var(--line); border-radius: .3rem; padding: 0 .3rem; font-size: .85em; }
.btn { display: inline-block; border: 1px solid var(--line); border-radius: .3rem; padding: .1rem .5rem; }
.fas { font-style: normal; font-weight: 700; }
.fa-check-circle::before { content: "✓ holds"; } .fa-times::before { content: "✗ broken"; }
.fa-exclamation-triangle::before { content: "! error"; }
.text-success, .held { color: var(--good); } .text-danger, .broken { color: var(--bad); }
.text-warning { color: #bf8700; }
.text-hide, .d-none:not(.d-md-block, .d-md-inline-flex) { display: none; }
.cooltip .top, .cooltip .right { display: none; font-size: .85em; }
.cooltip:hover .top, .cooltip:hover .right { display: inline; }
.collapse { display: none; } .collapse:target { display: block; }
body:has(#option2:checked) tr:has(> .hide-succeeded-validation-target-child),
body:has(#option2:checked) .ge-section:has(.hide-succeeded-validations-column-section-target-child) { display: none; }
@media (max-width: 50rem) { body > .container-fluid > .row { display: block; } .sticky { position: static; } }
"""


def head() -> str:
    """What goes into the head of each page."""
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style>'
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
