"""Tables written row by row, so that memory does not grow with them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any


class TableWriter:
    """A Parquet table of plain rows; holds one group of them, and its bytes depend on the rows alone.

    Used as a context; text columns are strings, `integers` int64, all others float64.
    """

    GROUP_ROWS = 65_536

    def __init__(self, path: Path, text: Sequence[str], numbers: Sequence[str], integers: Collection[str] = ()):
        import pyarrow as pa
        import pyarrow.parquet as pq

        fields = [(name, pa.string()) for name in text]
        fields += [(name, pa.int64() if name in integers else pa.float64()) for name in numbers]
        self._writer = pq.ParquetWriter(path, pa.schema(fields), compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, *error: object) -> None:
        if self._rows:
            self._flush()
        self._writer.close()

    def add(self, row: Mapping[str, Any]) -> None:
        """One row with a value for every column.

        Raises:
            KeyError: A column has no value.
        """
        self._rows.append({name: row[name] for name in self._writer.schema.names})
        if len(self._rows) == self.GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_pylist(self._rows, self._writer.schema))
        self._rows = []
