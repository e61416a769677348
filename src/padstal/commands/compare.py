"""`padstal compare`: what differs between two revisions, as a pull request's comment with pictures and sounds."""

from collections.abc import Mapping
from pathlib import Path

from padstal.core.data.atomic import atomic_file, atomic_folder
from padstal.core.params import SCALES
from padstal.core.revisions import Tree, open_tree
from padstal.reporting.comparison.compare import compare
from padstal.reporting.comparison.markdown import Media, foreign, render_markdown
from padstal.reporting.comparison.plots import plots
from padstal.reporting.comparison.record import write_record
from padstal.reporting.comparison.side import active_scale, read_side
from padstal.reporting.comparison.sounds import Pair, sounds
from padstal.reporting.table import Table, markdown_table


def run(root: Path, base: str, head: str, scale: str | None, out: Path | None) -> int:
    """Compare, and print the comment, or write it with its record (JSON), plots and sounds to `out`.

    Raises:
        GitError: There is no such revision.
        ValueError: No such scale, or neither side says which one is active.
    """
    trees = open_tree(root, base), open_tree(root, head)
    scale = _scale(scale, *trees)
    sides = read_side(trees[0], scale), read_side(trees[1], scale)
    comparison = compare(*sides, scale)
    if out is None:
        print(render_markdown(comparison), end="")
        return 0
    drawn, heard = plots(comparison), sounds(root, trees, sides, scale)
    audio = {f"{at:02d}-{side}.mp3": mp3 for at, pair in enumerate(heard) for side, mp3 in pair.sides.items()}
    _fill(out / "plots", {name: text.encode() for name, text in drawn.items()})
    _fill(out / "audio", audio)
    media = Media("\n\n".join(filter(None, (_figures(sorted(drawn)), _listening(heard)))))
    for name, text in (
        ("comment.md", render_markdown(comparison, media)),
        ("comparison.json", write_record(comparison)),
    ):
        with atomic_file(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    print(f"comment: {out / 'comment.md'}")
    return 0


def _scale(asked: str | None, base: Tree, head: Tree) -> str:
    found, known = asked or active_scale(head) or active_scale(base), ", ".join(SCALES)
    if found in SCALES:
        return found
    if asked:
        raise ValueError(f"--scale {asked}: expected one of {known}")
    if found:
        side = head if active_scale(head) else base
        told = f"params.yaml of {side.name}: scale = {found!r}: expected one of {known}"
        raise ValueError(f"{told}; or name one with --scale")
    neither = f"neither {base.name} nor {head.name} has a params.yaml that names a scale ({known})"
    raise ValueError(f"{neither}: name one with --scale")


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    with atomic_folder(folder) as temporary:
        for name, content in files.items():
            (temporary / name).write_bytes(content)


def _figures(names: list[str]) -> str:
    shown = "\n".join(f"![{name.removesuffix('.svg')}](plots/{name})" for name in names)
    return f"<details open><summary>Plots</summary>\n\n{shown}\n\n</details>" if names else ""


def _listening(heard: list[Pair]) -> str:
    if not heard:
        return ""
    rows = tuple(
        (
            foreign(pair.prompt),
            foreign(pair.method),
            *(f"[listen](audio/{at:02d}-{side}.mp3)" if side in pair.sides else "–" for side in ("before", "now")),
        )
        for at, pair in enumerate(heard)
    )
    table = markdown_table(Table(("prompt", "method", "before", "now"), rows), outside=0)
    return f"### Samples of the same prompts\n\n{table}"
