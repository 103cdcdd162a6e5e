"""Records that are stuck in a stage for longer than the connection's limit."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from resources.ledger.monitoring.clocks import past_limit
from resources.ledger.records.fulfilment_progress import FulfilmentProgress, ProgressRow
from tests.assets.scene import NAME
from tests.resources.ledger.monitoring.book import Book, Version

LIMIT = {
    "captured_not_delivered": 900,
    "delivered_not_acknowledged": 3600,
    "released_not_shipped": 259_200,
    "shipped_not_at_store": 1800,
}


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
    book.db.execute("UPDATE sync.stream SET configured = false WHERE stream <> 'orders'")
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
