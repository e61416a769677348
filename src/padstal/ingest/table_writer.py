"""Tables of plain rows, written without pandas, which pyarrow imports (0.4 s) to look at a list but not at a buffer."""

from typing import TYPE_CHECKING, Any

import numpy as np

from padstal.core.data.manifest import TableWriter

if TYPE_CHECKING:
    import pyarrow as pa


class Rows(TableWriter):
    """As `TableWriter`, to the same bytes, for rows whose values are all there."""

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
        if ends[-1] < 2**31:
            buffers = [None, pa.py_buffer(ends.astype("<i4")), pa.py_buffer(b"".join(texts))]
            return pa.Array.from_buffers(kind, len(values), buffers)
        return pa.array(values, kind)
    numbers = np.array(values, "<i8" if pa.types.is_integer(kind) else "<f8")
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(numbers)])
