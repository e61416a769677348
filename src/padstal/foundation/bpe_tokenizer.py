"""Byte-pair tokenizers of published models, from `vocab.json` and `merges.txt`."""

from pathlib import Path
from typing import Any

from padstal.core.untrusted import UntrustedFileError, expecting


def load_tokenizer(kind: str, folder: Path, ids: int, role: str) -> Any:
    """The tokenizer of a `kind` that transformers has ("RobertaTokenizer"), with so many `ids`.

    Raises:
        UntrustedFileError: It has another number; without its files transformers silently makes a tiny one.
    """
    import transformers

    missing = [name for name in ("vocab.json", "merges.txt") if not (folder / name).is_file()]
    if missing:
        raise UntrustedFileError(f"{folder}: a {kind} lacks {' and '.join(missing)}; run the stage prepare@{role}")
    with expecting(f"a {kind}", folder):
        tokenizer = getattr(transformers, kind).from_pretrained(folder, local_files_only=True)
    if len(tokenizer) != ids:
        raise UntrustedFileError(f"{folder}: the tokenizer knows {len(tokenizer)} ids, expected {ids}")
    return tokenizer
