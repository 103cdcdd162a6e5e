"""The status of each stream, compared in SQL with the connection's limits."""

from __future__ import annotations

from datetime import timedelta

from resources.ledger.monitoring.status import stream_statuses
from tests.resources.ledger.monitoring.book import Book


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
