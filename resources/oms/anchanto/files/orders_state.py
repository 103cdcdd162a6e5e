"""Orders as files show them: what was sent, and what files have reported since.

A change has the time at which its file was taken, so that it falls into a window still open.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar, NamedTuple

from domain.identity import content_digest
from resources.oms.anchanto.files.state import KEYS_A_QUERY, Database

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ORDERS = """
CREATE TABLE IF NOT EXISTS orders (
    number TEXT PRIMARY KEY,
    content BLOB,                       -- as it was sent, in the account's names
    file TEXT,                          -- the file in which it was sent
    status BLOB,                        -- the row that has said its status
    status_digest BLOB,
    said_at INTEGER NOT NULL DEFAULT 0, -- modification time of that row's file, in ns
    changed_at INTEGER NOT NULL         -- when any of it has changed, in microseconds
) WITHOUT ROWID
"""
_CHANGED = "CREATE INDEX IF NOT EXISTS orders_changed ON orders (changed_at)"
_SHIPMENTS = """
CREATE TABLE IF NOT EXISTS shipments (
    number TEXT NOT NULL,
    shipment TEXT NOT NULL,
    digest BLOB NOT NULL,
    row BLOB NOT NULL,
    said_at INTEGER NOT NULL,
    PRIMARY KEY (number, shipment)
) WITHOUT ROWID
"""
_FAULTS = """
CREATE TABLE IF NOT EXISTS order_faults (
    digest BLOB PRIMARY KEY, row BLOB NOT NULL, changed_at INTEGER NOT NULL
) WITHOUT ROWID
"""
_CANCELS = "CREATE TABLE IF NOT EXISTS cancels (key TEXT PRIMARY KEY, file TEXT NOT NULL)"


class Known(NamedTuple):
    """What is known of an order."""

    number: str
    content: bytes | None
    file: str | None
    status: bytes | None
    changed_at: datetime


class OrdersState(Database):
    """The orders of one exchange, with their shipments."""

    schema: ClassVar[tuple[str, ...]] = (_ORDERS, _CHANGED, _SHIPMENTS, _FAULTS, _CANCELS)

    def orders(self, numbers: Collection[str]) -> list[Known]:
        """Return the orders of these numbers."""
        wanted, found = list(numbers), list[Known]()
        with self.opened() as database:
            for start in range(0, len(wanted), KEYS_A_QUERY):
                some = wanted[start : start + KEYS_A_QUERY]
                marks = ",".join("?" * len(some))
                found += _known(database, f"number IN ({marks})", some)
        return found

    def changed(self, since: datetime, until: datetime) -> list[Known]:
        """Return the orders that changed in a window."""
        with self.opened() as database:
            return list(_known(database, "changed_at >= ? AND changed_at < ?", _span(since, until)))

    def faults(self, since: datetime, until: datetime) -> list[tuple[bytes, datetime]]:
        """Return the rows that name no order and came in a window."""
        query = "SELECT row, changed_at FROM order_faults WHERE changed_at >= ? AND changed_at < ?"
        with self.opened() as database:
            rows = database.execute(query, _span(since, until)).fetchall()
        return [(row, _moment(changed)) for row, changed in rows]

    def oldest_since(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``."""
        query = """
            SELECT min(changed_at) FROM (
                SELECT changed_at FROM orders UNION ALL SELECT changed_at FROM order_faults
            ) WHERE changed_at >= ?
        """
        with self.opened() as database:
            [(found,)] = database.execute(query, (_micros(since),))
        return None if found is None else _moment(found)

    def shipments(self, numbers: Collection[str]) -> dict[str, list[bytes]]:
        """Return the shipments of orders, in a lasting order."""
        found: dict[str, list[bytes]] = {}
        query = "SELECT row FROM shipments WHERE number = ? ORDER BY length(shipment), shipment"
        with self.opened() as database:
            for number in numbers:
                found[number] = [row for (row,) in database.execute(query, (number,))]
        return found

    def note_sent(self, number: str, content: bytes, file: str) -> None:
        """Keep what is sent, before it is handed out."""
        with self.transaction() as database:
            database.execute(
                """
                INSERT INTO orders (number, content, file, changed_at) VALUES (?, ?, ?, ?)
                ON CONFLICT (number) DO UPDATE SET
                    content = excluded.content, file = excluded.file,
                    changed_at = excluded.changed_at
                """,
                (number, content, file, _next(database)),
            )

    def noted_cancel(self, key: str) -> str | None:
        """Return the file of a cancellation, ``None`` if it has none yet."""
        with self.opened() as database:
            found = database.execute("SELECT file FROM cancels WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def note_cancel(self, key: str, file: str) -> str:
        """Return the file of a cancellation: ``file``, or the one it has already."""
        with self.transaction() as database:
            database.execute(
                "INSERT INTO cancels VALUES (?, ?) ON CONFLICT DO NOTHING", (key, file)
            )
            [(name,)] = database.execute("SELECT file FROM cancels WHERE key = ?", (key,))
        return str(name)


class TakingOrders:
    """The transaction in which one file about orders is taken."""

    def __init__(self, database: sqlite3.Connection, said_at: int) -> None:
        self._database, self._said_at, self._now = database, said_at, _next(database)

    def status(self, number: str, cells: bytes, row: bytes) -> None:
        """Keep an order's status, where no newer file has said another."""
        self._database.execute(
            """
            INSERT INTO orders (number, status, status_digest, said_at, changed_at)
            VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (number) DO UPDATE SET
                status = iif(status_digest IS excluded.status_digest, status, excluded.status),
                changed_at = iif(
                    status_digest IS excluded.status_digest, changed_at, excluded.changed_at
                ),
                status_digest = excluded.status_digest,
                said_at = excluded.said_at
            WHERE excluded.said_at >= said_at
            """,
            (number, row, content_digest(cells), self._said_at, self._now),
        )

    def shipment(self, number: str, shipment: str, cells: bytes, row: bytes) -> None:
        """Keep a shipment, where no newer file has said another; its order has changed then."""
        digest = content_digest(cells)
        query = "SELECT digest, said_at FROM shipments WHERE number = ? AND shipment = ?"
        held = self._database.execute(query, (number, shipment)).fetchone()
        if held is not None and (held[1] > self._said_at or held[0] == digest):
            return
        self._database.execute(
            "INSERT OR REPLACE INTO shipments VALUES (?, ?, ?, ?, ?)",
            (number, shipment, digest, row, self._said_at),
        )
        self._database.execute(
            """
            INSERT INTO orders (number, changed_at) VALUES (?, ?)
            ON CONFLICT (number) DO UPDATE SET changed_at = excluded.changed_at
            """,
            (number, self._now),
        )

    def fault(self, cells: bytes, row: bytes) -> None:
        """Keep a row that names no order, once."""
        self._database.execute(
            "INSERT INTO order_faults VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (content_digest(cells), row, self._now),
        )


def _next(database: sqlite3.Connection) -> int:
    """Return this machine's time, and never one before the last change: clocks are set back."""
    [(last,)] = database.execute("SELECT coalesce(max(changed_at), 0) FROM orders")
    return max(_micros(datetime.now(UTC)), int(last))


def _known(
    database: sqlite3.Connection, where: str, values: list[str] | list[int]
) -> Iterator[Known]:
    query = f"SELECT number, content, file, status, changed_at FROM orders WHERE {where}"  # noqa: S608
    for number, content, file, status, changed in database.execute(query, values):
        yield Known(number, content, file, status, _moment(changed))


def _span(since: datetime, until: datetime) -> list[int]:
    return [_micros(since), _micros(until)]


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
