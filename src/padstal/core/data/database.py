"""A small SQLite database of what can be found out again: one that is damaged begins anew."""

import sqlite3
from pathlib import Path


def open_database(path: Path, *tables: str) -> sqlite3.Connection:
    """The database at `path`, with these tables; nothing is synced, so a power failure may cost its content.

    Args:
        path: Its file; made where there is none.
        tables: Statements CREATE TABLE IF NOT EXISTS and the like.

    Raises:
        OSError: No database can be made there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    trouble: Exception | None = None
    for _ in range(2):
        database = sqlite3.connect(path)
        try:
            database.execute("PRAGMA synchronous = OFF")
            if database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",):
                for table in tables:
                    database.execute(table)
                database.commit()
                return database
        except sqlite3.DatabaseError as error:
            trouble = error
        database.close()
        path.unlink(missing_ok=True)
    raise OSError(f"{path}: no database can be made here: {trouble}")
