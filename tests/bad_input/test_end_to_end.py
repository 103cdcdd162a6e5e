"""Bad records through the real steps: each capture has one outcome, good records continue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import orjson
import psycopg
import pytest

from assets.chain.stream import Stream
from assets.pipeline.capture import capture
from assets.pipeline.outcomes import ValidationCounts
from assets.pipeline.validate import validate
from assets.streams.inventory.stream import Inventory
from assets.streams.orders.stream import Orders
from assets.streams.shipments.stream import Shipments
from domain.connections import Connection
from domain.exchange import RawRecord
from domain.identity import capture_id, content_digest, is_id
from domain.ports import CommercePlatform, OrderManagementSystem
from domain.streams import KINDS
from domain.values import Partition
from resources.http.rate_limit import LocalQuota
from resources.ledger.ledger import Ledger
from resources.ledger.links import Link
from resources.ledger.monitoring.activation import resume
from resources.ledger.rows import CaptureRow
from resources.oms.manhattan.adapter import build as build_oms
from resources.platforms.bigcommerce.adapter import build as build_platform
from resources.sync import Sync
from tests.bad_input.counts import END_TO_END
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import is_showable
from tests.bad_input.systems import DAY, START, Listed, platform_on, search_on, store_of, tenant_of
from tests.bad_input.test_oms import ROW, whole
from tests.bad_input.test_store import DOCUMENTS
from tests.resources.oms.manhattan.samples import (
    published,
    published_line,
    settings_of,
    shipped_detail,
)
from tests.resources.platforms.bigcommerce.stores import connection, order, settings

pytestmark = pytest.mark.slow

NAME = "acme"
STREAMS: tuple[Stream[Any], ...] = (Orders(), Shipments(), Inventory())
EACH = END_TO_END // len(STREAMS)
STAMP = "2026-03-19T00:00:00.000"


@pytest.fixture
def sync(database: str) -> Iterator[Sync]:
    """A connection whose systems are never called, since all data are captures."""
    rules = connection(
        orders={"check_items": False}, inventory={"missing_item": "zero"}, rejection_threshold=1.0
    )
    platform = build_platform(settings(), rules, lambda _: "token", LocalQuota())
    oms = build_oms(settings_of(), rules, lambda _: "secret", LocalQuota())
    yield from sync_between(database, rules, platform, oms)


def sync_between(
    database: str, rules: Connection, platform: CommercePlatform, oms: OrderManagementSystem
) -> Iterator[Sync]:
    """Yield the sync of a connection between two systems, and close all three afterwards."""
    ledger = Ledger(database)
    with ledger.connect() as db:
        db.execute(
            "INSERT INTO sync.connection (connection, owner, description, "
            "order_id_prefix, limits) VALUES (%s, '', '', '', '{}')",
            (NAME,),
        )
        resume(db, NAME, sorted(KINDS), "test")
        # Started long ago: no other program has sent anything, so the OMS is asked for nothing.
        db.execute("UPDATE sync.activation SET started_at = NULL")
    yield Sync(NAME, rules, platform, oms, ledger, "run-1")
    platform.close()
    oms.close()
    ledger.close()


def good(stream: str, number: int) -> RawRecord:
    """Return a record that is accepted."""
    if stream == "orders":
        return RawRecord(f"{500_000 + number}", START, orjson.dumps(order(id=500_000 + number)))
    if stream == "shipments":
        document = published(f"{500_000 + number}", UpdatedTimestamp="2026-03-19T00:00:00.000")
        return RawRecord(
            f"{500_000 + number}", START, orjson.dumps(document | {"AlternateOrderId": "1"})
        )
    row = ROW | {"ItemId": f"GOOD-{number}"}
    return RawRecord(f"GOOD-{number}@DC1", START, orjson.dumps(row))


def bad_records(stream: str, count: int) -> list[RawRecord]:
    """Return bad records, each with an id of its own."""
    documents = {
        "orders": [body for body in DOCUMENTS if b'"status_id":5' not in body],
        "shipments": [orjson.dumps(whole())],
        "inventory": [orjson.dumps(ROW)],
    }[stream]
    mutated = Mutator(documents).payloads(count, seed=5_000_000)
    return [RawRecord(f"{100_000 + i}", START, payload.body) for i, payload in enumerate(mutated)]


def store(sync: Sync, stream: Stream[Any], day: date, records: list[RawRecord]) -> None:
    """Capture records in chunks, like the step; orders of the OMS are linked."""
    with sync.ledger.session(sync.name, stream.name, sync.run_id) as session:
        if stream.name == "shipments":
            links = [Link(f"S{r.source_id}", "", r.source_id, "") for r in records]
            session.links.claim(links, sync.run_id)
        for start in range(0, len(records), 1_000):
            chunk = records[start : start + 1_000]
            correlations = stream.correlate(sync, session, [r.source_id for r in chunk])
            rows = [
                CaptureRow(
                    day,
                    _identity(stream, record),
                    record.source_id,
                    record.updated_at,
                    content_digest(record.payload),
                    record.payload,
                    correlations[record.source_id],
                )
                for record in chunk
            ]
            with session.writer_lock(), session.transaction():
                session.captures.add(rows, sync.run_id)


def _identity(stream: Stream[Any], record: RawRecord) -> Any:
    return capture_id(
        NAME,
        stream.name,
        record.source_id,
        content_digest(record.payload),
        record.updated_at.isoformat(),
    )


def rows(sync: Sync, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Query the ledger."""
    with psycopg.connect(sync.ledger.url) as db:
        return db.execute(query, parameters).fetchall()


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_bad_record_has_one_outcome_and_the_good_ones_are_accepted(
    sync: Sync, stream: Stream[Any]
) -> None:
    """Validated twice: the counts balance, and each rejection can be acted on."""
    bad, sound = bad_records(stream.name, EACH), [good(stream.name, i) for i in range(EACH // 10)]
    validated_twice(sync, stream, bad, sound)


def validated_twice(
    sync: Sync, stream: Stream[Any], bad: list[RawRecord], sound: list[RawRecord]
) -> None:
    """Validate bad records between sound ones, a tenth as many, and again; check both."""
    day = datetime.now(UTC).date() if stream.is_snapshot else START.date()
    store(
        sync,
        stream,
        day,
        [
            record
            for i, record in enumerate(bad)
            for record in ([sound[i // 10], record] if i % 10 == 0 else [record])
        ],
    )
    counts = validate(sync, stream, Partition.of_day(day), everything=False)
    balanced(sync, stream, day, counts, len(bad) + len(sound))
    accepted = {
        name
        for (name,) in rows(
            sync,
            "SELECT source_id FROM sync.record WHERE stream = %s AND state = 'accepted'",
            stream.name,
        )
    }
    assert {record.source_id for record in sound} <= accepted
    actionable(sync, stream)
    before = content(sync)
    again = validate(sync, stream, Partition.of_day(day), everything=True)
    assert (again.accepted, again.rejected, again.skipped) == (
        counts.accepted,
        counts.rejected,
        counts.skipped,
    )
    assert content(sync) == before


def balanced(
    sync: Sync, stream: Stream[Any], day: date, counts: ValidationCounts, captured: int
) -> None:
    """Fail unless each capture has one outcome, and no typed row lacks its record."""
    assert counts.examined == captured
    assert (
        counts.accepted + counts.rejected.total() + counts.skipped.total() + counts.superseded
        == captured
    )
    assert counts.rejected["not_mapped"] == 0, (
        "a record that Lockstep can't read is a defect of Lockstep"
    )
    assert counts.rejected.total() > captured // 4, "most records are bad"
    with sync.ledger.session(sync.name, stream.name) as session:
        summary = session.partitions.summary(Partition.of_day(day))
    assert summary["captured"] == captured
    assert (
        summary["captured"]
        == summary["accepted"] + summary["rejected"] + summary["skipped"] + summary["superseded"]
    )
    orphans = """SELECT count(*) FROM sync.{table} t WHERE NOT EXISTS
        (SELECT 1 FROM sync.record r WHERE r.capture_id = t.capture_id AND r.state = 'accepted')"""
    for table in ("order_header", "order_line", "stock_level", "fulfilment_event"):
        assert rows(sync, orphans.format(table=table)) == [(0,)], table


def actionable(sync: Sync, stream: Stream[Any]) -> None:
    """Fail unless each rejection names what to do, in texts that can be shown."""
    found = rows(
        sync,
        """SELECT source_id, code, field, message, advice, value, correlation_id
           FROM sync.rejection WHERE stream = %s""",
        stream.name,
    )
    rejected = rows(
        sync,
        "SELECT source_id FROM sync.record WHERE stream = %s AND state = 'rejected'",
        stream.name,
    )
    assert {row[0] for row in found} == {name for (name,) in rejected}
    for source_id, code, field, message, advice, value, correlation in found:
        assert all((source_id, code, field, message, advice, correlation)), source_id
        assert all(map(is_showable, (source_id, code, field, message, advice, value))), source_id


def content(sync: Sync) -> list[tuple[Any, ...]]:
    """Return how many typed rows there are, and the outcome of each record."""
    counted = rows(
        sync,
        """SELECT (SELECT count(*) FROM sync.order_header), (SELECT count(*) FROM sync.order_line),
                  (SELECT count(*) FROM sync.stock_level),
                  (SELECT count(*) FROM sync.fulfilment_event)""",
    )
    outcomes = rows(
        sync,
        "SELECT stream, source_id, state, rule, canonical_digest FROM sync.record ORDER BY 1, 2",
    )
    return counted + [(a, b, c, d, e and bytes(e)) for a, b, c, d, e in outcomes]


def test_bad_pages_are_captured_and_validated_by_the_steps(sync: Sync) -> None:
    """Orders without ids or times and with hostile content, between good ones."""
    hostile = [
        b'{"id":null,"date_modified":"x\\u0000"}',
        b'{"id":"1","note":"\\u0000"}',
        b'{"date_modified":[]}',
        b"null",
        b"[]",
        b'"\\u0000"',
        b'{"id":11,"date_modified":null,"name":"\xff\xfe"}',
        b'{"id":12,"items_total":1e400}',
        b'{"id":13,"a":{"b":"\xed\xa0\x80"}}',
        b"{}",
    ]
    listed = [Listed(10 + i, body) for i, body in enumerate(hostile)]
    listed += [Listed(i, orjson.dumps(order(id=i))) for i in (*range(1, 10), *range(20, 220))]
    store_now = platform_on(store_of(listed), page_size=50)
    real = Sync(NAME, sync.connection, store_now, sync.oms, sync.ledger, "run-2")
    counts = capture(real, Orders(), Partition.of_day(START.date()), DAY, is_live=False)
    assert (counts.read, counts.captured) == (len(listed), len(listed))
    validated = validate(real, Orders(), Partition.of_day(START.date()), everything=False)
    store_now.close()
    assert validated.accepted == 209
    assert validated.rejected.total() == len(hostile)
    actionable(sync, Orders())
    names = [name for (name,) in rows(sync, "SELECT source_id FROM sync.rejection")]
    assert len(set(names)) == len(hostile)
    assert all(map(is_id, names))


def test_hostile_ids_of_the_oms_reach_the_ledger_as_rejections(sync: Sync) -> None:
    """Zero bytes, line breaks and megabytes as ids do not stop the other records."""
    hostile_ids = ["\x00", "a\nb", "x" * 5_000, "\x1b[2J", "🙂" * 300]
    documents = [
        published(text, UpdatedTimestamp=STAMP) | {"AlternateOrderId": "1"} for text in hostile_ids
    ]
    documents += [
        published(f"L{i}", published_line(text), UpdatedTimestamp=STAMP)
        for i, text in enumerate(hostile_ids)
    ]
    documents += [
        published(
            f"T{i}",
            published_line(
                "1",
                ("7000", 2),
                FulfillmentDetail=[shipped_detail(TrackingNumber=text, PackageId=text)],
            ),
            UpdatedTimestamp=STAMP,
        )
        for i, text in enumerate(hostile_ids)
    ]
    fine = [published(f"G{i}", UpdatedTimestamp=STAMP) for i in range(30)]
    found = [
        r
        for page in search_on(tenant_of([orjson.dumps(d) for d in documents + fine])).changed_in(
            DAY
        )
        for r in page
    ]
    assert len(found) == len(documents + fine)
    store(sync, Shipments(), START.date(), found)
    counts = validate(sync, Shipments(), Partition.of_day(START.date()), everything=False)
    assert counts.accepted == len(fine)
    assert counts.rejected.total() == len(documents)
    actionable(sync, Shipments())
