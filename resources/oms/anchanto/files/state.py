"""The account as far as its files show it: each row by the newest file that has it.

A small SQLite database in the exchange's folder. Sources are read repeatedly, and a file is taken
once; so its rows are kept here, each with its file and line. An older file never replaces the rows
of a newer one, and an identical row changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, NamedTuple

from domain.errors import PermanentError, TransientError
from domain.identity import content_digest

FILE = ".exchange.sqlite"
WAIT = 30.0
"""Seconds that a process waits for another one's file."""
KEYS_A_QUERY = 500
_STOCK = """
CREATE TABLE IF NOT EXISTS stock (
    sku TEXT NOT NULL,          -- as SKUs are compared; empty: the row does not say which
    warehouse TEXT NOT NULL,
    content BLOB NOT NULL,      -- digest of the cells
    row BLOB NOT NULL,
    said_at INTEGER NOT NULL,   -- modification time of the newest file that has said it, in ns
    take INTEGER NOT NULL,      -- which file that was, as they were taken
    PRIMARY KEY (sku, warehouse)
) WITHOUT ROWID
"""


class Kept(NamedTuple):
    """A row to keep."""

    sku: str
    warehouse: str
    cells: bytes
    """What makes two rows differ."""
    row: bytes


class Database:
    """The database of one exchange; each user of it has tables of its own."""

    schema: ClassVar[tuple[str, ...]]

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all of a change, or nothing of it if an error is raised."""
        with self.opened() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.rollback()
                raise
            database.commit()

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Open the database. Raises ``TransientError``, or ``PermanentError`` for a damaged one."""
        try:
            self._file.touch(mode=0o600, exist_ok=True)  # it holds addresses of orders
        except OSError as error:
            raise TransientError(f"{FILE} in oms.exchange.folder can't be made: {error}") from error
        try:
            database = sqlite3.connect(self._file, timeout=WAIT, isolation_level=None)
            try:
                for statement in self.schema:
                    database.execute(statement)
                yield database
            finally:
                database.close()
        except sqlite3.OperationalError as error:
            raise TransientError(f"{FILE} in oms.exchange.folder can't be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise PermanentError(
                f"{FILE} in oms.exchange.folder is damaged ({error}); remove it, and move "
                "the files that still apply from the folders taken back into those above them"
            ) from error


class State(Database):
    """The rows of stock."""

    schema = (_STOCK,)

    @contextmanager
    def taking(self, said_at: int) -> Iterator[Taking]:
        """Keep all that a file of a time says, or nothing of it if an error is raised."""
        with self.transaction() as database:
            yield Taking(database, said_at)

    def stock(self, skus: Collection[str] | None) -> list[bytes]:
        """Return the rows of SKUs, and those that don't say whose they are; ``None``: all."""
        with self.opened() as database:
            if skus is None:
                return [row for (row,) in database.execute("SELECT row FROM stock")]
            found: list[bytes] = []
            wanted = list({"", *skus})
            for start in range(0, len(wanted), KEYS_A_QUERY):
                some = wanted[start : start + KEYS_A_QUERY]
                marks = ",".join("?" * len(some))
                query = f"SELECT row FROM stock WHERE sku IN ({marks})"  # noqa: S608 - only marks
                found += [row for (row,) in database.execute(query, some)]
            return found


class Taking:
    """The transaction in which one file is taken."""

    def __init__(self, database: sqlite3.Connection, said_at: int) -> None:
        self._database, self._said_at = database, said_at
        [(last,)] = database.execute("SELECT coalesce(max(take), 0) FROM stock")
        self._take = last + 1

    def keep(self, row: Kept) -> None:
        """Keep a row, where no newer file has said another."""
        self._database.execute(
            """
            INSERT INTO stock VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (sku, warehouse) DO UPDATE SET
                row = iif(content = excluded.content, row, excluded.row),
                content = excluded.content,
                said_at = excluded.said_at,
                take = excluded.take
            WHERE excluded.said_at >= said_at
            """,
            (*row[:2], content_digest(row.cells), row.row, self._said_at, self._take),
        )

    def drop_others(self) -> None:
        """Remove what a complete file has not said, but for what a newer one has."""
        self._database.execute(
            "DELETE FROM stock WHERE take <> ? AND said_at <= ? AND sku <> ''",
            (self._take, self._said_at),
        )

    def drop_faults(self, before: int) -> None:
        """Remove rows that name no record and were said before a time, in ns."""
        self._database.execute("DELETE FROM stock WHERE said_at < ? AND sku = ''", (before,))
