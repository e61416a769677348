"""Rows of Parquet tables that are about some files."""

import io
from collections.abc import Collection, Iterable
from typing import Any


def rows_of(table: bytes | str, columns: Iterable[str], sha256s: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Rows of a table (its bytes, or its path), of `columns` those that it has.

    Args:
        table: With a column `sha256`.
        columns: Wanted.
        sha256s: Files whose rows are wanted; None for all.

    Raises:
        ValueError: It cannot be read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(table) if isinstance(table, bytes) else table)
        found = file.read([name for name in columns if name in file.schema_arrow.names])
        if sha256s is not None:
            wanted = pa.array(sorted(sha256s), pa.string())
            found = found.filter(pc.is_in(found["sha256"].cast(pa.string()), value_set=wanted))
    except (OSError, KeyError, pa.ArrowException) as error:
        raise ValueError(f"{'a table' if isinstance(table, bytes) else table}: {error}") from error
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows
