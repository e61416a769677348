"""`padstal compare`: what differs between two revisions, as a pull request's comment with pictures and sounds."""

from pathlib import Path

from padstal.core.data.atomic import atomic_file, atomic_folder
from padstal.core.params import SCALES
from padstal.core.revisions import Tree, open_tree
from padstal.reporting.comparison.compare import compare
from padstal.reporting.comparison.markdown import Media, foreign, render_markdown
from padstal.reporting.comparison.plots import plots
from padstal.reporting.comparison.record import Comparison, write_record
from padstal.reporting.comparison.side import active_scale, read_side
from padstal.reporting.comparison.sounds import Sound, sounds
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
    comparison = compare(sides[0], sides[1], scale)
    if out is not None:
        _write(out, comparison, sounds(root, trees, sides, scale))
        print(f"comment: {out / 'comment.md'}")
    else:
        print(render_markdown(comparison), end="")
    return 0


def _scale(asked: str | None, base: Tree, head: Tree) -> str:
    if asked is not None and asked not in SCALES:
        raise ValueError(f"--scale {asked}: expected one of {', '.join(SCALES)}")
    found = asked or active_scale(head) or active_scale(base)
    if found not in SCALES:
        raise ValueError(
            f"neither {base.name} nor {head.name} has a params.yaml that names a scale ({', '.join(SCALES)}): "
            "name one with --scale"
        )
    return found


def _write(out: Path, comparison: Comparison, heard: list[Sound]) -> None:
    drawn = plots(comparison)
    for folder, files in (
        ("plots", {name: text.encode() for name, text in drawn.items()}),
        ("audio", {sound.file: sound.content for sound in heard}),
    ):
        with atomic_folder(out / folder) as temporary:
            for name, content in files.items():
                (temporary / name).write_bytes(content)
    media = Media(figures=_figures(sorted(drawn)), sounds=_listening(heard))
    for name, text in (
        ("comment.md", render_markdown(comparison, media)),
        ("comparison.json", write_record(comparison)),
    ):
        with atomic_file(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _figures(names: list[str]) -> str:
    shown = "\n".join(f"![{name.removesuffix('.svg')}](plots/{name})" for name in names)
    return f"<details open><summary>Plots</summary>\n\n{shown}\n\n</details>" if names else ""


def _listening(heard: list[Sound]) -> str:
    if not heard:
        return ""
    pairs: dict[tuple[str, str], dict[str, str]] = {}
    for sound in heard:
        pairs.setdefault((sound.prompt, sound.method), {})[sound.side] = f"[listen](audio/{sound.file})"
    rows = tuple(
        (foreign(prompt), foreign(method), links.get("before", "–"), links.get("now", "–"))
        for (prompt, method), links in pairs.items()
    )
    table = markdown_table(Table(("prompt", "method", "before", "now"), rows), outside=0)
    return f"### Samples of the same prompts\n\n{table}"
