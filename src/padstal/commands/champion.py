"""`padstal champion` and `padstal rollback`: who is champion and was, its files ready to use, and the way back."""

import json
import shutil
from pathlib import Path
from typing import Any

from padstal.commands.project import params_of, promoted_name
from padstal.commands.promote import tell
from padstal.core.data.atomic import atomic_folder
from padstal.core.promotion_tags import PromotionTag
from padstal.core.revisions import open_tree
from padstal.operations.promotion import objects, register
from padstal.operations.promotion import promote as carry_out
from padstal.operations.promotion.register import Register


def show(root: Path, system: str | None, export: Path | None, as_json: bool) -> int:
    """Print the champion, its figures and history; with `export`, write its files into a new folder.

    Raises:
        GitError: The remote cannot be asked.
        ValueError: There is no champion to export, the folder exists, or its files cannot be fetched.
    """
    name = promoted_name(params_of(root, None)[1], system)
    found = register.read(root, name)
    print(json.dumps(_record(found)) if as_json else _page(found))
    if export is not None:
        if found.champion is None:
            raise ValueError(f"{name} has no champion to export")
        files = _export(root, found.champion, export)
        if not as_json:
            played = name.replace("-", "_")
            print(f"\n{export}: {files} files; try there: padstal generate 'slow solo piano' --system {played}")
    return 0


def rollback(root: Path, system: str | None, to: str | None, reason: str) -> int:
    """Make an earlier version champion again.

    Raises:
        ValueError: There is none, its weights cannot be fetched, or the remote refused.
    """
    before = register.read(root, promoted_name(params_of(root, None)[1], system))
    found = carry_out.rollback(root, before, to, reason)
    tell(found, "already" if found == before else "now")
    return 0


def _export(root: Path, version: PromotionTag, target: Path) -> int:
    """Weights, params and model cards of a version; nothing is left of it if something is missing."""
    if target.exists():
        raise ValueError(f"{target}: exists already; name a new folder")
    cards, tree = f"reports/{version.record.get('scale')}/model_cards", open_tree(root, version.commit)
    with atomic_folder(target) as folder:
        objects.materialise(root, tree, carry_out.recorded_outs(version), folder, code=False)
        try:
            objects.materialise(root, tree, objects.outs_of(tree, [cards]), folder, code=False)
        except ValueError:  # cards are not promoted, and may be gone
            shutil.rmtree(folder / cards, ignore_errors=True)
        return sum(file.is_file() for file in folder.rglob("*"))


def _record(found: Register) -> dict[str, Any]:
    champion = found.champion
    return {
        "model": found.model,
        "champion": champion and {"name": champion.version, "commit": champion.commit, "record": champion.record},
        "versions": [one.version for one in found.versions],
        "history": [
            {
                "number": one.number,
                "version": version.version if (version := found.assigned(one)) else None,
                "commit": one.commit,
                "when": one.when,
                "who": one.who,
                "record": one.record,
            }
            for one in found.assignments
        ],
    }


def _page(found: Register) -> str:
    champion = found.champion
    if champion is None:
        return f"{found.model} has no champion yet: `padstal challenge`, then `padstal promote`"
    record = champion.record
    lines = [
        f"{found.model} {champion.version} is champion",
        f"  commit    {champion.commit}",
        f"  scale     {record.get('scale', '–')}",
        f"  licences  {', '.join(record.get('licences') or ()) or '–'}",
        f"  decision  {record.get('decision', '–')}",
        "  get it    padstal champion --export FOLDER",
    ]
    lines += [f"  {line}" for line in carry_out.metric_lines(record).splitlines()]
    lines.append("history")
    for one in found.assignments:
        version = given.version if (given := found.assigned(one)) else "nobody"
        back = f", rolled back from {one.record['rollback_from']}" if one.record.get("rollback_from") else ""
        why = f": {one.record['reason']}" if one.record.get("reason") else ""
        lines.append(f"  #{one.number:<3d} {one.when}  {version}{back}{why}  ({one.who})")
    return "\n".join(lines)
