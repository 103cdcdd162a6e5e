"""A session on the ledger's database, on behalf of one (connection, stream)."""

from __future__ import annotations

import json
import random
import select
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from domain.errors import TransientError, WriterLost
from domain.exchange import Exchange
from domain.values import Partition, Window
from resources.ledger.captures.captures import Captures
from resources.ledger.database.bulk import load
from resources.ledger.deliveries.deliveries import Deliveries
from resources.ledger.links import Links, linked_entity
from resources.ledger.records.alignment import Alignments
from resources.ledger.records.catalog import Catalog
from resources.ledger.records.fulfilment_progress import FulfilmentProgress
from resources.ledger.records.levels import Levels
from resources.ledger.records.partition_state import PartitionState
from resources.ledger.records.prices import Prices
from resources.ledger.records.products import Products
from resources.ledger.records.records import Records
from resources.ledger.records.refunds import Refunds
from resources.ledger.rejections.rejections import Rejections
from resources.ledger.tables import MESSAGE_LOG
from resources.ledger.writer_lock import WRITER, writer_name

T = TypeVar("T")
TRANSACTION_TRIES = 5
_LONGEST_ERROR = 500
_NOTES = {
    "probed_at": "probed_at = excluded.probed_at, probe_failures = 0",
    "change_seen_at": "change_seen_at = greatest(w.change_seen_at, excluded.change_seen_at)",
    "delivered_at": "delivered_at = excluded.delivered_at",
}
"""Column of ``sync.watermark`` -> how an existing row is updated."""


def is_silent(db: psycopg.Connection[Any]) -> bool:
    """Return whether the server has sent nothing to an idle connection.

    A look at the socket, without a round trip: the server sends nothing but the reason of its end.
    """
    poller = select.poll()  # select() knows no more than 1,024 descriptors
    poller.register(db.pgconn.socket, select.POLLIN)
    return not poller.poll(0)


class Session:
    """One Postgres connection on behalf of one (connection, stream)."""

    def __init__(
        self, db: psycopg.Connection[Any], connection: str, stream: str, run_id: str
    ) -> None:
        self.db = db
        self.connection = connection
        self.stream = stream
        self.run_id = run_id
        self.captures = Captures(db, connection, stream)
        self.records = Records(db, connection, stream)
        self.partitions = PartitionState(db, connection, stream)
        self.deliveries = Deliveries(db, connection, stream)
        self.rejections = Rejections(db, connection, stream)
        self.links = Links(db, connection, linked_entity(stream))
        self.catalog = Catalog(db, connection)
        self.levels = Levels(db, connection)
        self.prices = Prices(db, connection)
        self.progress = FulfilmentProgress(db, connection)
        self.refunds = Refunds(db, connection)
        self.products = Products(db, connection)
        self.alignments = Alignments(db, connection)

    @contextmanager
    def writer_lock(self, stream: str = "") -> Iterator[None]:
        """Hold the lock that gives the stream one writer at a time; wait until it is free.

        It is a session lock: Postgres frees it when the process or its connection dies, so a crash
        never blocks the next run. ``stream`` is another one, whose target records are written, too.
        """
        name = writer_name(self.connection, stream or self.stream)
        self.db.execute(f"SELECT pg_advisory_lock({WRITER})".encode(), (name,))
        try:
            yield
        finally:
            if not self.db.closed:
                self.db.execute(f"SELECT pg_advisory_unlock({WRITER})".encode(), (name,))

    @contextmanager
    def writer_lock_if_free(self) -> Iterator[bool]:
        """Hold the writer's lock if no other process does; yield whether it is held."""
        name = writer_name(self.connection, self.stream)
        row = self.db.execute(f"SELECT pg_try_advisory_lock({WRITER})".encode(), (name,)).fetchone()
        held = bool(row and row[0])
        try:
            yield held
        finally:
            if held and not self.db.closed:
                self.db.execute(f"SELECT pg_advisory_unlock({WRITER})".encode(), (name,))

    def check_writer(self) -> None:
        """Raise ``TransientError`` where the connection that holds the writer's lock has ended.

        To be called while no other thread uses the session.
        """
        if not self.db.closed:
            if is_silent(self.db):
                return
            with suppress(psycopg.Error):
                self.db.execute("SELECT 1")
                return
        raise WriterLost(
            f"{self.connection}/{self.stream}: Postgres ended the connection that holds the "
            "writer's lock. Nothing more is sent by this run, since another one may hold the lock "
            "now; what was under way is looked up by the next run."
        )

    def transaction(self) -> Any:
        """Open a transaction: all or nothing of what follows."""
        return self.db.transaction()

    def repeatable(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a transaction, and again after a deadlock or a serialization error.

        ``work`` must change nothing but the ledger. Raises ``TransientError`` after the last try.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                with self.db.transaction():
                    return work()
            except (errors.DeadlockDetected, errors.SerializationFailure) as error:
                if attempt == TRANSACTION_TRIES:
                    raise TransientError(
                        f"{self.connection}/{self.stream}: Postgres rolled the transaction back "
                        f"{attempt} times (SQLSTATE {error.sqlstate}); nothing of it was stored, "
                        "and trying again may help"
                    ) from None
                time.sleep(random.uniform(0, 0.05 * 2**attempt))

    def now(self) -> datetime:
        """Return the database's time, which stamps drifts and deliveries."""
        (moment,) = self.db.execute("SELECT clock_timestamp()").fetchone() or (None,)
        if not isinstance(moment, datetime):
            raise TypeError("Postgres returned no time")
        return moment

    def watermark(self) -> datetime | None:
        """Return up to which source time the stream has been captured."""
        row = self.db.execute(
            "SELECT watermark FROM sync.watermark WHERE connection = %s AND stream = %s",
            (self.connection, self.stream),
        ).fetchone()
        return row[0] if row else None

    def move_watermark(self, window: Window, *, may_start: bool) -> None:
        """Move the watermark to the window's end, in the transaction of the window's captures.

        It never moves back, and only where the window adjoins what has been captured: neither a
        rerun of an old partition nor a later day's run that finishes first may skip a gap.
        ``may_start``: a stream without a watermark starts with this window.
        """
        if may_start:
            self.start_watermark(window.until)
        self.db.execute(
            """INSERT INTO sync.watermark AS w (connection, stream, captured_at)
               VALUES (%s, %s, now())
               ON CONFLICT (connection, stream) DO UPDATE SET captured_at = now(),
                   watermark = CASE WHEN w.watermark >= %s THEN greatest(w.watermark, %s)
                                    ELSE w.watermark END""",
            (self.connection, self.stream, window.since, window.until),
        )

    def start_watermark(self, moment: datetime) -> None:
        """Give a stream that was never captured its first watermark; another one stays.

        Without it a window whose first run fails would start again at each midnight, and lose the
        day before.
        """
        self.db.execute(
            """INSERT INTO sync.watermark AS w (connection, stream, watermark) VALUES (%s, %s, %s)
               ON CONFLICT (connection, stream) DO UPDATE SET
                   watermark = coalesce(w.watermark, excluded.watermark)""",
            (self.connection, self.stream, moment),
        )

    def pull_back(self, moment: datetime) -> None:
        """Move a watermark that lies in the source's future back to ``moment``.

        The source's clock was set back, or the watermark followed our own clock.
        """
        self.db.execute(
            """UPDATE sync.watermark SET watermark = least(watermark, %s)
               WHERE connection = %s AND stream = %s""",
            (moment, self.connection, self.stream),
        )

    def note(self, column: str, moment: datetime | None = None) -> None:
        """Record when the stream was last probed, seen to change, or delivered.

        ``column`` is ``probed_at``, ``change_seen_at`` or ``delivered_at``.
        """
        self.db.execute(
            f"""INSERT INTO sync.watermark AS w (connection, stream, {column})
                VALUES (%s, %s, %s)
                ON CONFLICT (connection, stream) DO UPDATE SET {_NOTES[column]}""".encode(),  # noqa: S608
            (self.connection, self.stream, moment or datetime.now(UTC)),
        )

    def note_failed_probe(self, error: str) -> None:
        """Record that a probe of the stream's source failed; ``error`` must be safe to show."""
        self.db.execute(
            """INSERT INTO sync.watermark AS w (connection, stream, probe_failed_at, probe_error,
                                                probe_failures)
               VALUES (%s, %s, now(), %s, 1)
               ON CONFLICT (connection, stream) DO UPDATE SET probe_failed_at = now(),
                   probe_error = excluded.probe_error, probe_failures = w.probe_failures + 1""",
            (self.connection, self.stream, error[:_LONGEST_ERROR]),
        )

    def log(self, exchanges: Iterable[Exchange]) -> None:
        """Store exchanges with a target in ``sync.message_log``, in the caller's transaction."""
        rows = [
            (
                e.at.date(),
                e.at,
                self.connection,
                self.stream,
                e.system,
                e.method,
                e.endpoint,
                e.status,
                e.milliseconds,
                e.attempt,
                e.correlation_id,
                e.trace_id,
                e.error,
                self.run_id,
            )
            for e in exchanges
        ]
        if not rows:
            return
        for month in {row[0].replace(day=1) for row in rows}:
            self.db.execute("SELECT sync.ensure_month(%s)", (month,))
        load(self.db, MESSAGE_LOG, {}, rows)

    def analyze_new(self) -> int:
        """Let Postgres learn about tables that have grown since they were made; return how many.

        Without statistics it compares each row of one table with each of another.
        """
        row = self.db.execute("SELECT sync.analyze_new()").fetchone()
        return row[0] if row else 0

    def batch(
        self,
        step: str,
        partition: Partition,
        trigger: str,
        window: Window | None,
        counts: dict[str, Any],
        started_at: datetime,
    ) -> None:
        """Record what a step did with a partition."""
        self.db.execute(
            """INSERT INTO sync.batch (run_id, connection, stream, step, source_day, source_hour,
                                       trigger, since, until, counts, started_at)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
               ON CONFLICT (run_id, connection, stream, step, source_day, source_hour) DO UPDATE SET
                   counts = excluded.counts, finished_at = now()""",
            (
                self.run_id,
                self.connection,
                self.stream,
                step,
                partition.day,
                partition.hour,
                trigger,
                window.since if window else None,
                window.until if window else None,
                json.dumps(counts),
                started_at,
            ),
        )
