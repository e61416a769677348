"""Rows are written to the same bytes as by way of lists, and pandas is left where it is."""

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from padstal.ingest.table_writer import TableWriter

WRITE = """
import sys
from pathlib import Path
from padstal.ingest.table_writer import TableWriter
with TableWriter(Path(sys.argv[1]), ("a",), ("x",)) as table:
    table.add({"a": "text", "x": 1.5})
assert "pyarrow" in sys.modules
assert "pandas" not in sys.modules
"""


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_rows_have_the_bytes_that_arrow_writes(tmp_path, count):
    rows = [{"a": "äöü 🎵" * (i % 3), "b": f"{i % 5}", "x": i / 7, "n": i * 10**12} for i in range(count)]
    with TableWriter(tmp_path / "rows", ("a", "b"), ("x", "n"), ("n",)) as table:
        for row in rows:
            table.add(row)
    schema = pa.schema([("a", pa.string()), ("b", pa.string()), ("x", pa.float64()), ("n", pa.int64())])
    with pq.ParquetWriter(tmp_path / "plain", schema, compression="zstd") as writer:
        if rows:
            writer.write_table(pa.Table.from_pylist(rows, schema))
    assert (tmp_path / "rows").read_bytes() == (tmp_path / "plain").read_bytes()


def test_pandas_is_not_imported(tmp_path):
    subprocess.run([sys.executable, "-c", WRITE, tmp_path / "table"], check=True)
