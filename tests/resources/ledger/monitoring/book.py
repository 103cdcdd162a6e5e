"""A ledger whose rows have any age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg

from resources.ledger.monitoring.clocks import past_limit
from resources.ledger.monitoring.status import StreamStatus, stream_statuses
from tests.assets.scene import NAME

LIMITS = {
    "probe": "PT5M",
    "silence": {"orders": "PT2H"},
    "captured_not_delivered": "PT15M",
    "delivered_not_acknowledged": "PT1H",
    "released_not_shipped": "P3D",
    "shipped_not_at_store": "PT30M",
}


class Version(NamedTuple):
    """A stored capture."""

    day: Any
    capture_id: UUID


class Book:
    """A ledger for rows of any age, in one transaction, so that ``now()`` does not change."""

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self.db = db
        row = db.execute("SELECT now()").fetchone()
        assert row is not None
        self.now: datetime = row[0]
        db.execute("SELECT sync.ensure_month(%s)", (self.now.date(),))
        self.today = self.now.astimezone(UTC).date()

    def capture(self, stream: str, source_id: str, age: float, *, version: int = 1) -> Version:
        """Store a capture of so many seconds ago."""
        made = Version(self.today, uuid4())
        self.db.execute(
            """INSERT INTO sync.capture (source_day, capture_id, connection, stream, source_id,
                                         source_updated_at, digest, payload,
                                         payload_bytes, correlation_id, captured_at, run_id)
               VALUES (%s, %s, %s, %s, %s, %s, '', '', 0, %s, %s, '')""",
            (
                made.day,
                made.capture_id,
                NAME,
                stream,
                source_id,
                self.now - timedelta(days=1) + timedelta(minutes=version),
                f"c-{source_id}",
                self.ago(age),
            ),
        )
        return made

    def record(
        self,
        stream: str,
        source_id: str,
        version: Version,
        outcome: str | None = None,
        *,
        state: str = "accepted",
        **more: Any,
    ) -> None:
        """Store a version's outcome."""
        columns = "".join(f", {name}" for name in more)
        self.db.execute(
            f"""INSERT INTO sync.record (source_day, capture_id, connection, stream, source_id,
                                         source_updated_at, state, correlation_id,
                                        run_id, outcome{columns})
                VALUES (%s, %s, %s, %s, %s, now(), %s, '', '',
                        %s{", %s" * len(more)})""",  # noqa: S608
            (
                version.day,
                version.capture_id,
                NAME,
                stream,
                source_id,
                state,
                outcome,
                *more.values(),
            ),
        )

    def delivery(
        self,
        stream: str,
        source_id: str,
        state: str,
        age: float,
        action: str = "create",
        error: str = "",
    ) -> None:
        """Store a delivery that was claimed and settled so many seconds ago."""
        moment = self.ago(age)
        self.db.execute(
            """INSERT INTO sync.delivery (delivery_key, connection, stream, source_id, action,
                                          target_key, source_day, capture_id, state, attempts,
                                          correlation_id, run_id, claimed_at, settled_at, error)
               VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, %s, gen_random_uuid(), %s, 1, '', '',
                       %s, %s, %s)""",
            (NAME, stream, source_id, action, source_id, self.today, state, moment, moment, error),
        )

    def ago(self, seconds: float) -> datetime:
        """Return so many seconds before now."""
        return self.now - timedelta(seconds=seconds)

    def stuck(self) -> list[tuple[str, str, str]]:
        """Return (stage, state, source id) of what is past its limit."""
        return [(row.stage, row.state, row.source_id) for row in past_limit(self.db)[0]]

    def status(self, stream: str = "orders") -> StreamStatus:
        """Return a stream's status."""
        return next(s for s in stream_statuses(self.db) if s.stream == stream)

    def watermark(self, **columns: Any) -> None:
        """Set the columns of the orders' watermark."""
        self.db.execute("DELETE FROM sync.watermark")
        names = ", ".join(columns)
        places = ", ".join(["%s"] * len(columns))
        self.db.execute(
            f"INSERT INTO sync.watermark (connection, stream, {names}) "  # noqa: S608 - constants
            f"VALUES ('acme', 'orders', {places})",
            tuple(columns.values()),
        )
