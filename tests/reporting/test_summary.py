"""The report in short: one list of blocks, which both a tracker and a page of Markdown show whole."""

from collections.abc import Iterable
from dataclasses import replace

from padstal.reporting.findings import failures, findings
from padstal.reporting.inputs import Inputs
from padstal.reporting.summary import Curves, Origin, markdown, summary

ORIGIN = Origin("abc123", "abc123-params", (("models/demo/vae/tal", "0" * 32, "train_vae@tal"),))
ORDER = [
    "Findings",
    "At matched CLAP-f",
    "Each method at its chosen strength",
    "Checks",
    "Training",
    "Data",
    "Lineage",
    "Caveats",
]


def _titles(blocks: Iterable[object]) -> list[str]:
    return [block.removeprefix("## ") for block in blocks if isinstance(block, str) and block.startswith("## ")]


def test_the_sections_stand_in_the_order_of_reading(inputs: Inputs) -> None:
    blocks = summary(inputs, ORIGIN)
    assert _titles(blocks) == ORDER
    assert _titles(summary(inputs)) == [title for title in ORDER if title not in ("Training", "Lineage")]
    assert str(blocks[0]).startswith("Demo scale: "), "how far the figures carry is said before any of them"


def test_the_markdown_has_every_finding_table_and_caveat(inputs: Inputs) -> None:
    blocks = summary(inputs, ORIGIN)
    page = markdown("padstal demo", blocks)
    assert page.startswith("# padstal demo\n")
    assert page.count("\n## ") == len(ORDER)
    lines = page.splitlines()
    for block in blocks:
        assert (f"| {' | '.join(block.ends.head)} |" if isinstance(block, Curves) else block.splitlines()[0]) in lines
    told = [*findings(inputs), *failures(inputs)]
    assert sum(line.startswith("- ") for line in lines) == len(told)
    assert "| models/demo/vae/tal | " + "0" * 32 + " | train\\_vae@\u2060tal |" in lines


def test_curves_name_the_stage_and_its_quantities(inputs: Inputs) -> None:
    curves = {block.stage: block for block in summary(inputs, ORIGIN) if isinstance(block, Curves)}
    assert set(curves) == {"train_vae", "train_diffusion"}
    for block in curves.values():
        assert block.quantities
        assert "step" not in block.quantities
        assert len(block.ends.rows) >= len(block.quantities)


def test_hostile_texts_stay_texts(inputs: Inputs) -> None:
    page = markdown("<script>", summary(inputs, replace(ORIGIN, group="[x](https://evil.example)")))
    assert "<script>" not in page
    assert "](https://evil.example)" not in page


def test_what_is_missing_is_said_and_breaks_nothing() -> None:
    page = markdown("padstal demo", summary(Inputs("demo", {}, {}, {}), Origin("", "g")))
    assert "Nothing was evaluated" in page
    assert "Commit unknown" in page
