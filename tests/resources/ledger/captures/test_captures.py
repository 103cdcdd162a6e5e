"""Captures, their outcomes, and the accounting over them."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from domain.values import Partition, Window
from resources.ledger.ledger import Ledger
from resources.ledger.session import Session
from tests.resources.ledger.rows import DAY, NOON, UNKNOWN_SKU, capture, record, rejection


def _add(session: Session, *rows: object) -> int:
    with session.transaction():
        return session.captures.add(rows, "run-1")  # type: ignore[arg-type]


def test_a_version_is_stored_once(session: Session) -> None:
    """The same versions again are none; a changed one is new."""
    rows = [capture("1"), capture("2")]
    assert _add(session, *rows) == 2
    assert _add(session, *rows, capture("3")) == 1
    assert _add(session, capture("1", b'{"changed":true}')) == 1


def test_a_version_that_a_source_lists_twice_is_stored_once(session: Session) -> None:
    """Pages shift while they are read: a record may be on two of them, in one chunk or in two."""
    one, other = capture("1"), capture("2")
    with session.transaction():
        assert session.captures.add([one, other, one], "run-1") == 2
        assert session.captures.add([other, capture("3")], "run-1") == 1


def test_a_payload_comes_back_to_the_byte(session: Session) -> None:
    """What the source sent is kept: unusual spaces, Unicode, and bytes that are not text."""
    payload = b'{ "name":"Zo\xc3\xab" ,\n"raw":"\xff\x00"}'
    _add(session, capture("1", payload))
    assert session.captures.payload("1") == payload


def test_captures_of_a_transaction_that_fails_are_not_stored(session: Session) -> None:
    """All or nothing, with the watermark."""

    def store() -> None:
        with session.transaction():
            session.captures.add([capture("1")], "run-1")
            session.move_watermark(_window(10, 12), may_start=True)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        store()

    assert session.captures.payload("1") is None
    assert session.watermark() is None


def test_the_watermark_never_moves_back(session: Session) -> None:
    """Windows may be run again and in any order."""
    session.move_watermark(_window(10, 12), may_start=True)
    session.move_watermark(_window(9, 11), may_start=True)
    assert session.watermark() == _window(10, 12).until
    session.move_watermark(_window(11, 13), may_start=False)
    assert session.watermark() == _window(11, 13).until


def test_the_watermark_skips_no_gap(session: Session) -> None:
    """Changes before a later window are not captured yet; only a live window starts a watermark."""
    session.move_watermark(_window(10, 12), may_start=False)
    assert session.watermark() is None
    session.move_watermark(_window(10, 12), may_start=True)
    session.move_watermark(_window(13, 14), may_start=True)
    assert session.watermark() == _window(10, 12).until


def _window(since: int, until: int) -> Window:
    return Window(NOON.replace(hour=since), NOON.replace(hour=until))


def test_streams_and_connections_do_not_see_each_other(ledger: Ledger, session: Session) -> None:
    """The same id in another stream or connection is another record."""
    _add(session, capture("1"))
    session.move_watermark(_window(10, 12), may_start=True)
    for name, stream in (("acme", "shipments"), ("other", "orders")):
        with ledger.session(name, stream) as other:
            assert other.captures.payload("1") is None
            assert other.watermark() is None


def test_only_the_newest_version_of_a_record_is_not_superseded(session: Session) -> None:
    """Across the partitions that follow, too."""
    first, newer = capture("1"), capture("1", b"[2]", NOON + timedelta(days=40))
    _add(session, first, newer, capture("2"))

    superseded = {
        row.source_id: row.superseded
        for row in session.captures.to_validate(
            Partition.of_day(DAY), everything=True, after=None, limit=10
        )
    }

    assert superseded == {"1": True, "2": False}
    (last,) = session.captures.to_validate(
        Partition.of_day(newer.source_day), everything=True, after=None, limit=10
    )
    assert not last.superseded


def test_a_day_is_read_in_chunks_that_miss_nothing(session: Session) -> None:
    """Each capture is in exactly one chunk, whatever the chunk's size."""
    _add(session, *(capture(str(n)) for n in range(25)))
    seen: list[str] = []
    after: str | None = None
    while chunk := session.captures.to_validate(
        Partition.of_day(DAY), everything=True, after=after, limit=7
    ):
        seen += [row.source_id for row in chunk]
        after = str(chunk[-1].capture_id)
    assert sorted(seen, key=int) == [str(n) for n in range(25)]


def test_every_capture_is_accounted_for(session: Session) -> None:
    """The view counts each capture in one column, and those without an outcome as unvalidated."""
    rows = [capture(str(n)) for n in range(6)]
    _add(session, *rows)
    states = ["accepted", "accepted", "rejected", "skipped", "superseded"]
    with session.transaction():
        session.records.put(
            DAY, [record(row, state) for row, state in zip(rows, states, strict=False)], [], "run-1"
        )
        session.records.settle(DAY, [(rows[0].capture_id, "delivered")])

    total = session.partitions.summary(Partition.of_day(DAY))

    assert total["captured"] == 6
    assert (
        total["accepted"],
        total["rejected"],
        total["skipped"],
        total["superseded"],
        total["unvalidated"],
    ) == (2, 1, 1, 1, 1)
    assert (total["delivered"], total["pending"]) == (1, 1)
    assert session.partitions.pending("day") == [Partition.of_day(DAY)]


def test_a_record_that_is_validated_again_is_due_again_only_if_its_content_changed(
    session: Session,
) -> None:
    """The same canonical content stays delivered; another one is to be delivered."""
    row = capture("1")
    _add(session, row)
    with session.transaction():
        session.records.put(DAY, [record(row)], [], "run-1")
        session.records.settle(DAY, [(row.capture_id, "delivered")])
        session.records.put(DAY, [record(row)], [], "run-2")
    assert (
        session.records.to_deliver(
            Partition.of_day(DAY), again=True, force=False, after=None, limit=9
        )
        == []
    )

    with session.transaction():
        session.records.put(DAY, [record(row, canonical=b'{"a":2}')], [], "run-3")
    assert [
        a.canonical
        for a in session.records.to_deliver(
            Partition.of_day(DAY), again=False, force=False, after=None, limit=9
        )
    ] == [b'{"a":2}']


def test_an_accepted_version_stays_so_when_a_newer_one_comes(session: Session) -> None:
    """It may have been sent, so its content is kept; a rejected version becomes superseded."""
    rows = [capture("1"), capture("2")]
    _add(session, *rows)
    with session.transaction():
        session.records.put(
            DAY, [record(rows[0]), record(rows[1], "rejected", "sku_unknown")], [], "run-1"
        )
        session.records.put(
            DAY, [record(row, "superseded", "newer_version") for row in rows], [], "run-2"
        )

    assert session.records.canonicals({"1": rows[0].capture_id}) == {"1": b'{"a":1}'}
    total = session.partitions.summary(Partition.of_day(DAY))
    assert (total["accepted"], total["rejected"], total["superseded"]) == (1, 0, 1)


def test_a_rejection_is_open_once_and_closed_when_the_record_goes_through(session: Session) -> None:
    """Met again it is counted, not doubled; closed it keeps who closed it and why."""
    row = capture("1")
    for _ in range(2):
        session.rejections.open(DAY, [rejection(row)], "run-1")
    assert session.db.execute("SELECT code, seen_count, state FROM sync.rejection").fetchall() == [
        ("sku_unknown", 2, "open")
    ]
    assert session.rejections.any_open()

    assert session.rejections.close("delivered", ["1"], "another stage", "run-2") == 0
    assert session.rejections.close("validated", ["1"], "it went through", "run-2") == 1
    assert not session.rejections.any_open()

    session.rejections.open(DAY, [rejection(row, UNKNOWN_SKU)], "run-3")
    assert session.db.execute(
        "SELECT state FROM sync.rejection ORDER BY rejection_id"
    ).fetchall() == [("resolved",), ("open",)]


def test_two_processes_may_store_the_first_captures_of_a_month_at_once(
    ledger: Ledger, database: str
) -> None:
    """The first process makes the month's partitions; the other waits and continues."""
    with ledger.session("acme", "orders") as one, psycopg.connect(database) as other:
        with one.transaction():
            one.captures.add([capture("1")], "run-1")
        other.execute("SELECT sync.ensure_month('2026-03-01')")
        other.execute("SELECT sync.ensure_month('2027-01-31')")
        other.commit()
    with ledger.session("acme", "orders") as again, again.transaction():
        assert (
            again.captures.add([capture("2", moment=NOON.replace(year=2027, month=1))], "run-1")
            == 1
        )
