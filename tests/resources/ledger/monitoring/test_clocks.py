"""Heartbeats and stuck records, compared in SQL with a connection's limits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest

from resources.ledger.monitoring.clocks import past_limit
from resources.ledger.monitoring.connection_config import describe
from resources.ledger.monitoring.status import StreamStatus, stream_statuses
from resources.ledger.records.fulfilment_progress import FulfilmentProgress, ProgressRow
from tests.assets.scene import NAME, installation_of

LIMITS = {
    "probe": "PT5M",
    "silence": {"orders": "PT2H"},
    "captured_not_delivered": "PT15M",
    "delivered_not_acknowledged": "PT1H",
    "released_not_shipped": "P3D",
    "shipped_not_at_store": "PT30M",
}
LIMIT = {
    "captured_not_delivered": 900,
    "delivered_not_acknowledged": 3600,
    "released_not_shipped": 259_200,
    "shipped_not_at_store": 1800,
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


@pytest.fixture
def book(database: str, tmp_path: Path) -> Iterator[Book]:
    """Describe a connection whose orders are W-1, W-2, ... at the OMS."""
    with psycopg.connect(database) as db:
        describe(
            db,
            installation_of(
                "http://127.0.0.1:1",
                "s1",
                tmp_path,
                limits=LIMITS,
                orders={"order_id_prefix": "W-"},
            ),
        )
        yield Book(db)
        db.rollback()


def test_a_stream_that_nothing_ever_came_from_is_there_and_not_green(book: Book) -> None:
    """Silence is an alert: what was configured and never ran is the first thing to miss."""
    assert [(s.stream, s.state, s.owner) for s in stream_statuses(book.db)] == [
        (stream, "never_captured", "team:operations")
        for stream in ("orders", "inventory", "shipments")
    ]


CASES: list[tuple[dict[str, float], str]] = [
    ({"watermark": 3000, "probed_at": 300}, "ok"),
    ({"watermark": 3000, "probed_at": 300.000001}, "no_probe"),
    ({"watermark": 3000, "probed_at": 400, "captured_at": 10}, "ok"),
    ({"watermark": 1800, "probed_at": 1, "change_seen_at": 5}, "ok"),
    ({"watermark": 1800.000001, "probed_at": 1, "change_seen_at": 5}, "overdue"),
    ({"watermark": 10, "probed_at": 1, "change_seen_at": 7200}, "ok"),
    ({"watermark": 10, "probed_at": 1, "change_seen_at": 7200.000001}, "silent"),
    ({"watermark": 9000, "probed_at": 9000, "change_seen_at": 9001}, "no_probe"),
]


def test_a_stream_is_compared_with_its_limits_and_in_time_at_exactly_the_limit(book: Book) -> None:
    """A limit is how long something may take, so exactly at the limit there is no alert."""
    for ages, state in CASES:
        book.watermark(**{name: book.ago(age) for name, age in ages.items()})
        assert book.status().state == state, ages


def test_a_source_whose_clock_is_ahead_has_no_negative_lag(book: Book) -> None:
    """Its watermark lies in our future."""
    book.watermark(watermark=book.ago(-600), probed_at=book.ago(1))
    assert (book.status().lag, book.status().state) == (timedelta(0), "ok")


def test_a_stream_that_is_no_longer_configured_is_not_monitored(book: Book) -> None:
    """Its history stays, its alerts end."""
    book.watermark(watermark=book.ago(90_000), probed_at=book.ago(90_000))
    version = book.capture("orders", "1", 90_000)
    book.record("orders", "1", version)
    book.db.execute("UPDATE sync.connection SET configured = false")
    assert stream_statuses(book.db) == []
    assert book.db.execute("SELECT state FROM history.lag WHERE stream = 'orders'").fetchone() == (
        "not_configured",
    )
    assert book.stuck() == []


def test_each_clock_runs_out_just_past_its_limit(book: Book) -> None:
    """All four stages: exactly at the limit nothing is late, a microsecond past it all is."""
    for over in (0.0, 0.000001):
        book.db.execute("SAVEPOINT before")
        ages = {stage: limit + over for stage, limit in LIMIT.items()}
        book.capture("orders", "1", ages["captured_not_delivered"])
        book.delivery("orders", "2", "delivered", ages["delivered_not_acknowledged"])
        progress = FulfilmentProgress(book.db, NAME)
        progress.put(
            [
                ProgressRow(
                    "3",
                    "W-3",
                    Decimal(2),
                    Decimal(0),
                    "c-3",
                    book.ago(ages["released_not_shipped"]),
                )
            ]
        )
        progress.put([ProgressRow("4", "W-4", Decimal(0), Decimal(1), "c-4", book.ago(99_999))])
        book.record(
            "shipments", "W-4", book.capture("shipments", "W-4", ages["shipped_not_at_store"])
        )

        assert sorted(stage for stage, _, _ in book.stuck()) == (sorted(LIMIT) if over else [])
        assert book.db.execute("SELECT count(*) FROM history.stuck").fetchone() == (4,)
        book.db.execute("ROLLBACK TO before")


def test_captured_records_that_are_not_delivered_have_distinct_states(book: Book) -> None:
    """Not validated, not sent, sent without an answer, failed; rejected ones are not listed."""
    for number in range(1, 7):
        book.capture("orders", str(number), 1000)
    captured = {
        row[0]: Version(row[1], row[2])
        for row in book.db.execute("SELECT source_id, source_day, capture_id FROM sync.capture")
    }
    for number in ("2", "3", "4"):
        book.record("orders", number, captured[number])
    book.delivery("orders", "3", "in_flight", 900)
    book.delivery("orders", "4", "failed", 900, error="503 of the OMS")
    book.record("orders", "5", captured["5"], state="rejected")
    book.record("orders", "6", captured["6"], "delivered")

    rows, counts = past_limit(book.db)

    assert {row.source_id: row.state for row in rows} == {
        "1": "unvalidated",
        "2": "pending",
        "3": "in_flight",
        "4": "failed",
    }
    assert (
        next(row for row in rows if row.state == "failed").detail
        == "failed after 1 attempts: 503 of the OMS"
    )
    assert [(c.stage, c.number, c.live) for c in counts[NAME, "orders"]] == [
        ("captured_not_delivered", 4, 4)
    ]
    assert {row.correlation_id for row in rows} == {f"c-{n}" for n in range(1, 5)}


def test_an_order_that_keeps_changing_does_not_set_its_own_clock_back(book: Book) -> None:
    """The clock starts with the first version after which none was settled."""
    for version, (age, outcome) in enumerate(
        [(5000, "delivered"), (1000, "superseded"), (500, "superseded"), (10, None)]
    ):
        book.record("orders", "1", book.capture("orders", "1", age, version=version), outcome)
    [row] = past_limit(book.db)[0]
    assert row.age == timedelta(seconds=1000)


def test_an_older_version_without_an_outcome_is_not_stuck_once_a_newer_one_is_settled(
    book: Book,
) -> None:
    """A run of an old partition died, and the newest version is settled: the old one is final."""
    ends = [
        ("accepted", "delivered"),
        ("accepted", "unchanged"),
        ("skipped", None),
        ("rejected", None),
    ]
    for number, (state, outcome) in enumerate(ends):
        for source_id in (f"{number}-validated", f"{number}-captured"):
            older = book.capture("orders", source_id, 9000, version=1)
            if source_id.endswith("validated"):
                book.record("orders", source_id, older)
            book.record(
                "orders",
                source_id,
                book.capture("orders", source_id, 10, version=2),
                outcome,
                state=state,
            )
    assert book.stuck() == []


def test_a_record_that_a_mapping_change_made_due_again_waits_since_then(book: Book) -> None:
    """Delivered a month ago, changed by a rerun a minute ago: it is not a month late."""
    version = book.capture("orders", "1", 2_000_000)
    book.record("orders", "1", version, settled_at=book.ago(1_999_999), validated_at=book.ago(60))
    assert book.stuck() == []
    assert book.db.execute("SELECT age FROM history.stuck").fetchone() == (timedelta(seconds=60),)


def test_an_order_is_acknowledged_by_the_omss_own_list(book: Book) -> None:
    """Its id there has the connection's prefix; an id with another prefix is another order."""
    for number in ("1", "2", "3"):
        book.delivery("orders", number, "delivered", 4000)
    book.record("shipments", "W-1", book.capture("shipments", "W-1", 10), "unchanged")
    book.record("shipments", "2", book.capture("shipments", "2", 10), state="skipped")
    FulfilmentProgress(book.db, NAME).put(
        [ProgressRow("3", "W-3", Decimal(0), Decimal(0), "", book.now)]
    )
    book.delivery("orders", "4", "delivered", 4000, action="update")
    assert book.stuck() == [("delivered_not_acknowledged", "unacknowledged", "2")]


def test_a_connection_that_does_not_read_the_omss_orders_expects_no_acknowledgement(
    book: Book,
) -> None:
    """Without the stream of shipments it would never be seen."""
    book.delivery("orders", "1", "delivered", 4000)
    book.db.execute("UPDATE sync.connection SET streams = ARRAY['orders']")
    assert book.stuck() == []


def test_released_units_are_late_until_they_ship_or_are_canceled(book: Book) -> None:
    """The clock starts with the first released unit, and runs while any unit waits."""
    progress = FulfilmentProgress(book.db, NAME)

    def stand(age: float, awaiting: int, shipped: int) -> timedelta | None:
        progress.put(
            [ProgressRow("1", "W-1", Decimal(awaiting), Decimal(shipped), "c-1", book.ago(age))]
        )
        row = book.db.execute(
            "SELECT age FROM history.stuck WHERE stage = 'released_not_shipped'"
        ).fetchone()
        return row[0] if row else None

    assert stand(500_000, 0, 0) is None
    assert stand(400_000, 2, 0) == timedelta(seconds=400_000)
    assert stand(300_000, 1, 1) == timedelta(seconds=400_000)
    assert stand(450_000, 9, 0) == timedelta(
        seconds=400_000
    )  # older than what is known, so nothing changes
    assert book.stuck() == [("released_not_shipped", "released", "1")]
    assert stand(200_000, 0, 2) is None
    assert stand(100_000, 1, 2) == timedelta(seconds=100_000)
    assert book.stuck() == []


def test_what_left_the_warehouse_and_does_not_show_at_the_store_is_late(book: Book) -> None:
    """Pending, rejected or unreadable shipments are late; those of unshipped orders are not."""
    progress = FulfilmentProgress(book.db, NAME)
    progress.put(
        [
            ProgressRow(n, f"W-{n}", Decimal(0), Decimal(shipped), "", book.now)
            for n, shipped in (("1", 1), ("2", 1), ("3", 0))
        ]
    )
    book.record("shipments", "W-1", book.capture("shipments", "W-1", 2000))
    for number, stage in (("2", "delivered"), ("3", "delivered"), ("4", "validated")):
        version = book.capture("shipments", f"W-{number}", 2000)
        book.record(
            "shipments",
            f"W-{number}",
            version,
            "rejected" if stage == "delivered" else None,
            state="accepted" if stage == "delivered" else "rejected",
        )
        book.db.execute(
            """INSERT INTO sync.rejection (connection, stream, stage, source_id, source_day,
                                           capture_id, code, class, field, message, advice,
                                           value, problems, correlation_id, run_id, opened_at)
               VALUES ('acme', 'shipments', %s, %s, %s, %s, 'unknown_status', 'mapping', '', '', '',
                       '', '[]', '', '', %s)""",
            (stage, f"W-{number}", version.day, version.capture_id, book.ago(2000)),
        )
    assert sorted(book.stuck()) == [
        ("shipped_not_at_store", "pending", "1"),
        ("shipped_not_at_store", "rejected", "2"),
        ("shipped_not_at_store", "rejected", "4"),
    ]
    [count] = past_limit(book.db)[1][NAME, "shipments"]
    assert (count.number, count.live) == (3, 1)


def test_the_oldest_of_each_stage_are_shown_and_all_are_counted(book: Book) -> None:
    """Hundreds of stuck records fit a table, and their number is known."""
    for number in range(30):
        book.capture("orders", str(number), 1000 + number)
    rows, counts = past_limit(book.db, most=5)
    assert [row.source_id for row in rows] == ["29", "28", "27", "26", "25"]
    assert counts[NAME, "orders"][0].number == 30
