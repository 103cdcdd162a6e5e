"""Retention: whole months and old rows are removed, unfinished work never, by the writer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from domain.connections import Retention
from resources.ledger.privacy.retention import Removal, retire
from tests.security.conftest import acting

TODAY = date(2026, 11, 21)
OLD = date(2025, 3, 5)
YEAR = Retention(
    capture=timedelta(days=365), record=timedelta(days=365), message_log=timedelta(days=90)
)


@pytest.fixture
def database(database: str) -> str:
    """Return a database without the months that every test's has."""
    with psycopg.connect(database, autocommit=True) as db:
        rows = db.execute(
            """SELECT oid::regclass::text FROM pg_class
               WHERE relispartition AND relkind = 'r' AND relname ~ '_20[0-9]{2}_[0-9]{2}$'"""
        )
        for (name,) in rows.fetchall():
            db.execute(f"DROP TABLE {name}")
    return database


def run(database: str, retention: Retention = YEAR, *, dry_run: bool = False) -> dict[str, Removal]:
    """Apply retention as the writer; return what it did by table."""
    with psycopg.connect(acting(database, "lockstep_writer"), autocommit=True) as db:
        return {one.table: one for one in retire(db, retention, TODAY, dry_run=dry_run)}


def put(database: str, *, outcome: str | None = "delivered", day: date = OLD) -> None:
    """Put one captured, validated and delivered order of a day into the ledger."""
    capture = uuid4()
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    with psycopg.connect(database, autocommit=True) as db:
        db.execute("SELECT sync.ensure_month(%s)", (day,))
        db.execute(
            """INSERT INTO sync.capture
               VALUES (%s, %s, 'acme', 'orders', '1', %s, '', '', 0, 'ord-1', %s, 'r')""",
            (day, capture, moment, moment),
        )
        db.execute(
            """INSERT INTO sync.record (source_day, capture_id, connection, stream, source_id,
                                        source_updated_at, state, correlation_id, run_id, outcome)
               VALUES (%s, %s, 'acme', 'orders', '1', %s, 'accepted', 'ord-1', 'r', %s)""",
            (day, capture, moment, outcome),
        )


def months(database: str, table: str) -> list[str]:
    """Return the months that a table has."""
    with psycopg.connect(database) as db:
        rows = db.execute(
            """SELECT right(relname, 7) FROM pg_class
               WHERE relname LIKE %s AND relkind = 'r' ORDER BY 1""",
            (f"{table}\\_20%",),
        )
        return [name for (name,) in rows]


def test_by_default_everything_is_kept(database: str) -> None:
    """What connections.yaml does not name stays forever."""
    put(database)
    assert run(database, Retention()) == {}
    assert months(database, "capture") == ["2025_03"]


def test_months_past_their_retention_are_dropped_and_recorded(database: str) -> None:
    """Whole months are dropped and logged, younger ones stay; the writer needs no right to drop."""
    put(database)
    put(database, day=TODAY - timedelta(days=40))
    assert run(database, dry_run=True)["capture"] == Removal("capture", date(2025, 4, 1), 1)
    assert months(database, "capture") == ["2025_03", "2026_10"]

    done = run(database)

    assert done["capture"].rows == done["record"].rows == 1
    assert (
        months(database, "capture")
        == months(database, "record")
        == months(database, "order_line")
        == ["2026_10"]
    )
    with psycopg.connect(database) as db:
        assert db.execute(
            "SELECT rows, before FROM sync.retention_log WHERE table_name = 'capture'"
        ).fetchall() == [(1, date(2025, 4, 1))]
    assert run(database) == {}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE sync.record SET outcome = NULL", "a record is still to be delivered"),
        ("DELETE FROM sync.record", "a capture is still to be validated"),
        (
            """INSERT INTO sync.rerun (connection, stream, source_day, mode, asked_by, why)
               VALUES ('acme', 'orders', '2025-03-05', 're_read', '', '')""",
            "a rerun was asked for",
        ),
        (
            """INSERT INTO sync.delivery
               VALUES (gen_random_uuid(), 'acme', 'orders', '1', 'create', '1', '2025-03-05',
                       gen_random_uuid(), 'in_flight', 1, '', '', '', '', 'r', now(), NULL)""",
            "a delivery is not settled",
        ),
    ],
)
def test_a_month_with_open_work_is_kept(database: str, statement: str, why: str) -> None:
    """Unfinished work needs its record and payload, however old; the reason is reported."""
    put(database)
    with psycopg.connect(database, autocommit=True) as db:
        db.execute(statement.encode())
    assert run(database)["capture"].kept == why
    assert months(database, "capture") == ["2025_03"]
    with psycopg.connect(acting(database, "lockstep_writer"), autocommit=True) as db:
        assert db.execute("SELECT sync.drop_month('capture', '2025-03-01')").fetchone() == (
            None,
        )  # nor by calling it past the look


def test_an_outcome_is_not_dropped_before_its_capture(database: str) -> None:
    """A payload without its outcome would be validated and delivered again."""
    put(database)
    assert run(database, Retention(capture=timedelta(days=3650), record=timedelta(days=3650))) == {}
    with psycopg.connect(database, autocommit=True) as db:
        assert db.execute("SELECT sync.why_kept('record', '2025-03-01')").fetchone() == (
            "its captures are still kept",
        )
    with pytest.raises(ValueError, match="record must not be kept for less time"):
        Retention(record=timedelta(days=30))


def test_a_dropped_month_comes_back_when_it_is_read_again(database: str) -> None:
    """A replay of an old day makes the partitions that are missing, of whichever tables."""
    put(database)
    run(database)
    put(database)
    assert months(database, "capture") == ["2025_03"]


def test_old_rows_are_deleted_in_batches(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed rejections, taken events and finished batches are deleted; open ones stay."""
    monkeypatch.setattr("resources.ledger.privacy.retention.BATCH", 3)
    with psycopg.connect(database, autocommit=True) as db:
        db.execute(
            """INSERT INTO sync.batch
               SELECT 'run-' || n, 'acme', 'orders', 'captured', '2025-03-05', 'live', NULL, NULL,
                      '{}', '2025-03-05', '2025-03-05' FROM generate_series(1, 10) n"""
        )
        db.execute("INSERT INTO sync.archived VALUES ('2025-03-05', now())")
        db.execute(
            """INSERT INTO sync.unread_event
                   (connection, system, message_id, problem, body, received_at)
               SELECT 'acme', 'platform', n, '', '',
                      CASE n WHEN 1 THEN now() ELSE '2025-03-05' END
               FROM generate_series(1, 3) n"""
        )
        db.execute(
            """INSERT INTO sync.inbox (connection, system, event_id, stream, source_id, scope,
                                       received_at, taken_at)
               SELECT 'acme', 'platform', n::text, 'orders', '1', 's', '2025-03-05',
                      CASE n WHEN 1 THEN NULL ELSE now() END
               FROM generate_series(1, 5) n"""
        )
    done = run(database, Retention(batch=timedelta(days=30), inbox=timedelta(days=7)))
    assert (done["batch"].rows, done["inbox"].rows) == (10, 4)
    assert done["unread_event"].rows == 2
    with psycopg.connect(database) as db:
        assert db.execute("SELECT event_id FROM sync.inbox").fetchall() == [("1",)]


BATCH = """INSERT INTO sync.batch
           VALUES (%s, 'acme', 'orders', 'delivered', %s, 'live', NULL, NULL, '{}', %s, %s)"""
ALL = Retention(
    capture=timedelta(days=365),
    record=timedelta(days=365),
    batch=timedelta(days=30),
    rejection=timedelta(days=30),
    drift=timedelta(days=30),
    delivery=timedelta(days=90),
)


def fill_day(database: str, day: date) -> None:
    """Put a closed day into the ledger: an order, a level, a rejection and a drift, all done."""
    put(database, day=day)
    put_stock(database, f"{day}", day, "delivered", source_day=day)
    end = datetime(day.year, day.month, day.day, 13, tzinfo=UTC)
    with psycopg.connect(database, autocommit=True) as db:
        db.execute(BATCH, (f"run-{day}", day, end, end))
        db.execute(
            """INSERT INTO sync.rejection (connection, stream, stage, source_id, source_day,
                   capture_id, code, field, message, advice, value, problems, correlation_id,
                   run_id, class, rule, state, seen_at, closed_at)
               VALUES ('acme', 'orders', 'validated', '1', %s, gen_random_uuid(), '', '', '', '',
                       '', '[]', '', '', 'value', '', 'resolved', %s, %s)""",
            (day, end, end),
        )
        db.execute(
            """INSERT INTO sync.drift (connection, class, entity, record, field, stream, source_id,
                   source_day, expected, found, since, correlation_id, owner, advice, can_heal,
                   state, opened_at, closed_at, run_id)
               VALUES ('acme', 'differs', 'order', '1', '', 'orders', '1', %s, '', '', %s, '', '',
                       '', false, 'closed', %s, %s, 'r')""",
            (day, end, end, end),
        )


def left(database: str) -> dict[str, int]:
    """Return the rows of each table that retention is about."""
    tables = ("capture", "record", "batch", "rejection", "drift", "delivery")
    with psycopg.connect(database) as db:
        counted = {t: db.execute(f"SELECT count(*) FROM sync.{t}").fetchone() for t in tables}  # noqa: S608
    return {table: row[0] for table, row in counted.items() if row}


def archive(database: str, day: date, moment: datetime | None = None) -> None:
    """Note a day as archived at a moment, now by default."""
    with psycopg.connect(database, autocommit=True) as db:
        db.execute(
            """INSERT INTO sync.archived VALUES (%s, coalesce(%s, now()))
               ON CONFLICT (source_day) DO UPDATE SET archived_at = excluded.archived_at""",
            (day, moment),
        )


@pytest.mark.parametrize("archived_before", [False, True])
def test_what_the_archive_lacks_is_kept(database: str, *, archived_before: bool) -> None:
    """Of a day that was never archived, or has changed since; and the reason names the day."""
    fill_day(database, OLD)
    other = OLD + timedelta(days=1)
    fill_day(database, other)
    archive(database, other)
    if archived_before:
        archive(database, OLD, datetime(2025, 3, 5, 12, 30, tzinfo=UTC))
    why = f"the archive lacks {OLD}, or its last changes"
    full = left(database)

    for dry_run in (True, False):
        done = run(database, ALL, dry_run=dry_run)
        assert {t: done[t].kept for t in full if done[t].kept} | {"record": why} == dict.fromkeys(
            full, why
        )
    assert done["batch"].rows == 1
    assert left(database) == full | dict.fromkeys(("batch", "rejection", "drift"), 1)

    archive(database, OLD)
    run(database, ALL)
    assert left(database) == dict.fromkeys(full, 0)


def test_several_days_that_the_archive_lacks_are_counted(database: str) -> None:
    """The operator sees how many, and which to materialize."""
    for back in range(3):
        fill_day(database, OLD + timedelta(days=back))
    kept = run(database, ALL)["capture"].kept
    assert kept == "the archive lacks 3 days from 2025-03-05 to 2025-03-07, or their last changes"


STOCK = """INSERT INTO sync.delivery (delivery_key, connection, stream, source_id, action,
               target_key, source_day, capture_id, state, attempts, correlation_id, run_id,
               claimed_at, is_uncertain, may_act_until, prune_month)
           VALUES (gen_random_uuid(), 'acme', 'inventory', %s, 'stock', %s, %s,
                   gen_random_uuid(), %s, 1, 'stk-1', 'r', %s, %s, %s,
                   date_trunc('month', %s::date))"""


def put_stock(
    database: str,
    name: str,
    day: date,
    state: str,
    *,
    uncertain: bool = False,
    acts: bool = False,
    source_day: date = date(2026, 1, 2),
) -> None:
    """Put one delivery of stock into the ledger."""
    until = datetime.now(UTC) + timedelta(minutes=1) if acts else None
    with psycopg.connect(database, autocommit=True) as db:
        db.execute("SELECT sync.ensure_delivery_month(%s)", (day,))
        db.execute(STOCK, (name, name, source_day, state, day, uncertain, until, day))


def deliveries(database: str) -> list[tuple[str, str]]:
    """Return the deliveries that are left."""
    with psycopg.connect(database) as db:
        return db.execute("SELECT source_id, state FROM sync.delivery ORDER BY 1").fetchall()


def test_settled_deliveries_of_stock_go_by_the_month(database: str) -> None:
    """A month is dropped as a whole; younger months, and deliveries of orders, stay."""
    for number in range(5):
        put_stock(database, f"old-{number}", OLD, "delivered")
    put_stock(database, "young", TODAY - timedelta(days=40), "delivered")
    with psycopg.connect(database, autocommit=True) as db:
        db.execute(
            """INSERT INTO sync.delivery
               VALUES (gen_random_uuid(), 'acme', 'orders', 'order', 'create', '1', '2025-03-05',
                       gen_random_uuid(), 'delivered', 1, '', '', '', '', 'r', '2025-03-05',
                       '2025-03-05')"""
        )
    keep = Retention(delivery=timedelta(days=90))
    assert run(database, keep, dry_run=True)["delivery"].rows == 5

    assert run(database, keep) == {"delivery": Removal("delivery", date(2025, 4, 1), 5)}

    assert deliveries(database) == [("order", "delivered"), ("young", "delivered")]
    assert months(database, "delivery") == ["2026_10"]
    assert run(database, keep) == {}


@pytest.mark.parametrize(
    ("state", "uncertain", "acts"),
    [
        ("in_flight", False, False),
        ("failed", False, False),
        ("requested", False, False),
        ("dead", False, False),
        ("refused", True, False),
        ("dead", True, False),
        ("superseded", False, True),
        ("delivered", False, True),
    ],
)
def test_what_may_have_been_sent_outlives_its_month(
    database: str, state: str, *, uncertain: bool, acts: bool
) -> None:
    """What is open, uncertain, or may still take effect is kept; its month goes all the same."""
    put_stock(database, "settled", OLD, "delivered")
    put_stock(database, "open", OLD, state, uncertain=uncertain, acts=acts)

    assert run(database, Retention(delivery=timedelta(days=90)))["delivery"].rows == 1

    assert deliveries(database) == [("open", state)]
    assert months(database, "delivery") == []


def test_the_present_month_of_deliveries_is_not_dropped(database: str) -> None:
    """Not even by calling the function past the look."""
    put_stock(database, "now", datetime.now(UTC).date(), "delivered")
    with psycopg.connect(acting(database, "lockstep_writer"), autocommit=True) as db:
        dropped = db.execute("SELECT sync.drop_delivery_month(current_date)").fetchone()
    assert dropped == (None,)
    assert deliveries(database) == [("now", "delivered")]
