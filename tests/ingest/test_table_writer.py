"""Rows are written in groups, to bytes that depend on them alone."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from padstal.ingest.table_writer import TableWriter


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_rows_have_the_bytes_that_arrow_writes(tmp_path, monkeypatch, count):
    monkeypatch.setattr(TableWriter, "GROUP_ROWS", 600)
    rows = [{"a": "äöü 🎵" * (i % 3), "b": f"{i % 5}", "x": i / 7, "n": i * 10**12} for i in range(count)]
    with TableWriter(tmp_path / "rows", ("a", "b"), ("x", "n"), ("n",)) as table:
        for row in rows:
            table.add(row)
    schema = pa.schema([("a", pa.string()), ("b", pa.string()), ("x", pa.float64()), ("n", pa.int64())])
    with pq.ParquetWriter(tmp_path / "plain", schema, compression="zstd") as writer:
        for group in filter(None, (rows[:600], rows[600:])):
            writer.write_table(pa.Table.from_pylist(group, schema))
    assert (tmp_path / "rows").read_bytes() == (tmp_path / "plain").read_bytes()
