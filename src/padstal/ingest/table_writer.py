"""Tables written row by row, without pandas, which pyarrow imports (0.4 s) to look at a list but not at a buffer."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


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
        self._schema = pa.schema(fields)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._columns: list[list[Any]] = [[] for _ in fields]

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, *error: object) -> None:
        if self._columns[0]:
            self._flush()
        self._writer.close()

    def add(self, row: Mapping[str, Any]) -> None:
        """One row with a value for every column.

        Raises:
            KeyError: A column has no value.
        """
        for column, name in zip(self._columns, self._schema.names, strict=True):
            column.append(row[name])
        if len(self._columns[0]) == self.GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        arrays = [_array(column, field.type) for column, field in zip(self._columns, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._columns = [[] for _ in self._columns]


def _array(values: list[Any], kind: "pa.DataType") -> "pa.Array":
    """Text, whole numbers or numbers as Arrow lays them out: text as its end positions and its bytes."""
    import pyarrow as pa

    if pa.types.is_string(kind):
        texts = [text.encode() for text in values]
        ends = np.cumsum([0, *map(len, texts)])
        if ends[-1] >= 2**31:
            return pa.array(values, kind)
        buffers = [None, pa.py_buffer(ends.astype("<i4")), pa.py_buffer(b"".join(texts))]
    else:
        buffers = [None, pa.py_buffer(np.array(values, "<i8" if pa.types.is_integer(kind) else "<f8"))]
    return pa.Array.from_buffers(kind, len(values), buffers)
