"""Rows are written to the same bytes as by way of lists, and pandas is left where it is."""

import subprocess
import sys

import pytest

from padstal.core.data.manifest import TableWriter
from padstal.ingest.table_writer import Rows

WRITE = """
import sys
from pathlib import Path
from padstal.ingest.table_writer import Rows
with Rows(Path(sys.argv[1]), ("a",), ("x",)) as table:
    table.add({"a": "text", "x": 1.5})
assert "pyarrow" in sys.modules
assert "pandas" not in sys.modules
"""


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_rows_have_the_bytes_of_the_plain_writer(tmp_path, count):
    rows = [{"a": "äöü 🎵" * (i % 3), "b": f"{i % 5}", "x": i / 7, "n": i * 10**12} for i in range(count)]
    for name, writer in (("plain", TableWriter), ("rows", Rows)):
        with writer(tmp_path / name, ("a", "b"), ("x", "n"), ("n",)) as table:
            for row in rows:
                table.add(row)
    assert (tmp_path / "rows").read_bytes() == (tmp_path / "plain").read_bytes()


def test_pandas_is_not_imported(tmp_path):
    subprocess.run([sys.executable, "-c", WRITE, tmp_path / "table"], check=True)
