"""`report`: one page for people, one summary for pull requests, a card for every model."""

from padstal.core.data.atomic import atomic_file, atomic_folder
from padstal.core.params import read_yaml
from padstal.reporting.attribution import FILE, credits_page
from padstal.reporting.cards import model_cards
from padstal.reporting.compose import compose_report
from padstal.reporting.config import ReportParams
from padstal.reporting.inputs import read_inputs
from padstal.reporting.page import render_page
from padstal.reporting.summary import render_summary
from padstal.stages.harness import Stage, run_stage


def main(stage: Stage[ReportParams]) -> None:
    """Read every artefact of the scale, write page, summary and cards, then the page with this machine's record."""
    shown, paths = stage.params, stage.paths
    # The page shows what the run was made with: all of the scale's sections are read here, only to be shown.
    inputs = read_inputs(paths, read_yaml(paths.params)["scales"][stage.scale])
    cards = model_cards(inputs)
    page = render_page(inputs, cards, **shown.model_dump())
    with atomic_file(paths.page) as temporary:
        temporary.write_text(page, encoding="utf-8")
    with atomic_file(paths.summary) as temporary:
        temporary.write_text(render_summary(inputs, title=shown.title), encoding="utf-8")
    with atomic_folder(paths.model_cards) as folder:
        for card in cards:
            (folder / f"{card.name}.md").write_text(card.text, encoding="utf-8")
        (folder / FILE).write_text(credits_page(inputs), encoding="utf-8")
    stage.say(f"{compose_report(paths)} ({len(page) / 1e6:.1f} MB, {len(cards)} model cards)")


if __name__ == "__main__":
    run_stage("report", ReportParams, main)
