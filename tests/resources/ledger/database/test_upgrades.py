"""An upgrade keeps what a filled ledger holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from domain.connections import Installation
from resources.ledger.database.migrate import migrations
from resources.ledger.monitoring.activation import resume, started_at
from resources.ledger.monitoring.connection_config import describe
from tests.resources.oms.manhattan.samples import settings_of

NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)


@pytest.fixture
def before(database: str) -> psycopg.Connection[tuple[object, ...]]:
    """Return a connection to a database without any of Lockstep's schemas."""
    db = psycopg.connect(database, autocommit=True)
    db.execute("DROP SCHEMA sync CASCADE; DROP SCHEMA history CASCADE")
    return db


def migrate(db: psycopg.Connection[tuple[object, ...]], first: str, last: str) -> None:
    """Apply the migrations with these numbers, without the views, which are the present ones."""
    for name, text in migrations():
        if first <= name[:4] <= last:
            db.execute(text.encode())


def test_a_quota_goes_on_with_its_permits(before: psycopg.Connection[tuple[object, ...]]) -> None:
    """What was left of a window is left of it, and the next one opens when that one would have."""
    migrate(before, "0001", "0019")
    before.execute(
        "INSERT INTO sync.quota (bucket, permits, resets_at) VALUES ('b', 7, now() + interval '1h')"
    )

    migrate(before, "0020", "0020")

    take = "SELECT granted, round(seconds::numeric, -2) FROM sync.take_permits('b', 10, 150, 30)"
    assert [tuple(map(int, row)) for row in before.execute(take)] == [(7, 0)]  # type: ignore[call-overload]
    assert [tuple(map(int, row)) for row in before.execute(take)] == [(0, 3600)]  # type: ignore[call-overload]
    before.close()


def test_facts_of_a_day_keep_counting_as_its_last_version(
    before: psycopg.Connection[tuple[object, ...]],
) -> None:
    """A parcel that later versions of the day have repeated is not taken for one that is gone."""
    migrate(before, "0001", "0020")
    before.execute("SELECT sync.ensure_month('2026-03-01')")
    for number, hours in ((1, 0), (2, 1), (3, 24)):
        moment = NOON + timedelta(hours=hours)
        before.execute(
            """INSERT INTO sync.record (source_day, capture_id, connection, stream, source_id,
                                        source_updated_at, state, correlation_id, run_id)
               VALUES (%s, %s, 'acme', 'shipments', 'BC-1', %s, 'accepted', 'ord-1', 'run-1')""",
            (moment.date(), UUID(int=number), moment),
        )
        before.execute(
            """INSERT INTO sync.fulfilment_event (source_day, connection, event_key, capture_id,
                   order_id, source_id, line_id, sku, milestone, quantity, parcel_id,
                   tracking_number, carrier, occurred_at)
               VALUES (%s, 'acme', %s, %s, 'BC-1', '1', '1', 'MUG', 'shipped', 1, %s, '', '',
                       %s)""",
            (moment.date(), f"k{number}", UUID(int=number), f"P{number}", moment),
        )

    migrate(before, "0021", "0021")

    rows = before.execute(
        "SELECT event_key, version_at, capture_id FROM sync.fulfilment_event ORDER BY event_key"
    ).fetchall()
    late = NOON + timedelta(hours=1)
    assert rows == [
        ("k1", late, UUID(int=2)),
        ("k2", late, UUID(int=2)),
        ("k3", NOON + timedelta(hours=24), UUID(int=3)),
    ]
    before.close()


def test_deliveries_of_stock_get_the_month_of_their_claim_and_all_others_are_kept(
    before: psycopg.Connection[tuple[object, ...]],
) -> None:
    """No delivery is lost, and each is found by its key as before."""
    migrate(before, "0001", "0023")
    before.execute(
        """INSERT INTO sync.delivery (delivery_key, connection, stream, source_id, action,
               target_key, source_day, capture_id, state, attempts, correlation_id, run_id,
               claimed_at, is_uncertain)
           SELECT gen_random_uuid(), 'acme', stream, n::text, 'a', n::text, '2026-01-01',
                  gen_random_uuid(), (ARRAY['delivered', 'in_flight', 'dead'])[1 + n % 3], n, 'c',
                  'r', '2026-02-27 12:00+00'::timestamptz + make_interval(days => n), n % 2 = 0
           FROM unnest(ARRAY['orders', 'shipments', 'inventory']) stream, generate_series(0, 9) n"""
    )
    columns = """SELECT delivery_key, stream, source_id, state, attempts, is_uncertain, claimed_at
                 FROM sync.delivery ORDER BY 1"""
    kept = before.execute(columns).fetchall()

    migrate(before, "0024", "0024")

    assert before.execute(columns).fetchall() == kept
    months = """SELECT stream, tableoid::regclass::text, count(*) FROM sync.delivery
                GROUP BY 1, 2 ORDER BY 1, 2"""
    assert before.execute(months).fetchall() == [
        ("inventory", "sync.delivery_2026_02", 2),
        ("inventory", "sync.delivery_2026_03", 8),
        ("orders", "sync.delivery_kept", 10),
        ("shipments", "sync.delivery_kept", 10),
    ]
    before.execute("SET enable_seqscan = off")
    plan = "EXPLAIN SELECT FROM sync.delivery WHERE delivery_key = %s"
    lines = [str(line) for (line,) in before.execute(plan, (UUID(int=1),))]
    assert not [line for line in lines if "Seq Scan" in line]
    before.close()


def test_versions_get_the_hour_of_their_change_within_their_day(
    before: psycopg.Connection[tuple[object, ...]],
) -> None:
    """A snapshot's record may have changed long before its day, another one after its window."""
    migrate(before, "0001", "0024")
    before.execute("SELECT sync.ensure_month('2026-03-01')")
    for number, hours in enumerate((0, 11, -13, 36, -12), 1):
        moment = NOON + timedelta(hours=hours)
        row = (NOON.date(), UUID(int=number), f"{number}", moment)
        before.execute(
            """INSERT INTO sync.capture (source_day, capture_id, connection, stream, source_id,
                   source_updated_at, digest, payload, payload_bytes, correlation_id, run_id)
               VALUES (%s, %s, 'acme', 'orders', %s, %s, '', '', 0, '', 'run-1')""",
            row,
        )
        before.execute(
            """INSERT INTO sync.record (source_day, capture_id, connection, stream, source_id,
                                        source_updated_at, state, correlation_id, run_id)
               VALUES (%s, %s, 'acme', 'orders', %s, %s, 'rejected', '', 'run-1')""",
            row,
        )
    before.execute(
        """INSERT INTO sync.rejection (connection, stream, stage, source_id, source_day, capture_id,
               code, field, message, advice, value, problems, correlation_id, run_id, class, rule)
           SELECT connection, stream, 'validated', source_id, source_day, capture_id, '', '', '',
                  '', '', '[]', '', '', 'value', '' FROM sync.record"""
    )
    before.execute(
        """INSERT INTO sync.batch (run_id, connection, stream, step, source_day, trigger, counts,
                                   started_at)
           VALUES ('run-1', 'acme', 'orders', 'captured', '2026-03-19', 'live', '{}', now())"""
    )

    migrate(before, "0025", "9999")

    expected = [("1", 12), ("2", 23), ("3", 0), ("4", 23), ("5", 0)]
    for table in ("capture", "record", "rejection"):
        found = before.execute(f"SELECT source_id, source_hour FROM sync.{table} ORDER BY 1")  # noqa: S608
        assert found.fetchall() == expected, table
    assert before.execute("SELECT source_day::text, source_hour FROM sync.batch").fetchall() == [
        ("2026-03-19", None)
    ]
    before.close()


def test_the_streams_that_a_connection_had_are_described(
    before: psycopg.Connection[tuple[object, ...]],
) -> None:
    """What reads them is right before the configuration has been read again."""
    migrate(before, "0001", "0025")
    before.execute(
        """INSERT INTO sync.connection (connection, owner, description, streams, order_id_prefix,
                                        limits, configured)
           VALUES ('acme', '', '', '{orders,inventory}', '', '{}', true),
                  ('gone', '', '', '{shipments}', '', '{}', false)"""
    )

    migrate(before, "0026", "0026")

    assert before.execute(
        """SELECT connection, stream, to_oms, is_snapshot, entity, configured FROM sync.stream
           ORDER BY connection, place"""
    ).fetchall() == [
        ("acme", "orders", True, False, "order", True),
        ("acme", "inventory", False, True, "stock", True),
        ("gone", "shipments", False, False, "order", False),
    ]
    before.close()


ITEMS_OF_BOTH = {
    "store_item": """SELECT connection, sku, product_id, variant_id, tracking, sku_key, is_shared,
                            level, checked_at FROM sync.store_item ORDER BY 1, 2""",
    "oms_item": """SELECT connection, sku, uom, uoms, checked_at FROM sync.oms_item
                   ORDER BY 1, 2""",
}


@pytest.fixture
def itemised(
    before: psycopg.Connection[tuple[object, ...]],
) -> psycopg.Connection[tuple[object, ...]]:
    """Return a ledger with items of both systems in a table each."""
    migrate(before, "0001", "0026")
    before.execute(
        """INSERT INTO sync.store_item (connection, sku, product_id, variant_id, tracking,
                                        checked_at, sku_key, is_shared, level)
           VALUES ('acme', 'Mug  1', '11', NULL, 'product', '2026-03-01', 'mug 1', false, 7),
                  ('acme', 'HAT', '12', '120', 'variant', '2026-03-02', 'hat', true, NULL),
                  ('other', 'HAT', '9', '90', 'none', '2026-03-03', 'hat', false, 0)"""
    )
    before.execute(
        """INSERT INTO sync.oms_item (connection, sku, uom, uoms, checked_at)
           VALUES ('acme', 'Mug  1', 'EA', '{EA,CASE}', '2026-03-04'),
                  ('acme', 'HAT', 'EA', '{}', '2026-03-05')"""
    )
    return before


def test_items_of_both_systems_are_in_one_table(
    itemised: psycopg.Connection[tuple[object, ...]],
) -> None:
    """All that was known of them is kept, and read by its new names."""
    old = {name: itemised.execute(text).fetchall() for name, text in ITEMS_OF_BOTH.items()}

    migrate(itemised, "0027", "0027")

    found = itemised.execute(
        """SELECT connection, side, sku, sku_key, item_id, parent_id, tracking, is_shared, level,
                  uom, uoms FROM sync.item ORDER BY side, connection, sku"""
    ).fetchall()
    assert found == [
        ("acme", "oms", "HAT", "hat", *[None] * 5, "EA", []),
        ("acme", "oms", "Mug  1", "mug 1", *[None] * 5, "EA", ["EA", "CASE"]),
        ("acme", "store", "HAT", "hat", "120", "12", "variant", True, None, None, None),
        ("acme", "store", "Mug  1", "mug 1", None, "11", "product", False, 7, None, None),
        ("other", "store", "HAT", "hat", "90", "9", "none", False, 0, None, None),
    ]
    kept = {name: itemised.execute(text).fetchall() for name, text in ITEMS_OF_BOTH.items()}
    assert kept == old
    itemised.close()


def test_a_run_of_the_version_before_changes_the_items_that_are_there(
    itemised: psycopg.Connection[tuple[object, ...]],
) -> None:
    """Nothing that it changes is lost; what it can't do fails."""
    migrate(itemised, "0027", "0027")

    itemised.execute(
        """UPDATE sync.store_item SET tracking = 'none'
           WHERE connection = 'acme' AND product_id = '12'"""
    )
    itemised.execute("UPDATE sync.store_item SET level = 3 WHERE sku = 'Mug  1'")
    itemised.execute("DELETE FROM sync.store_item WHERE connection = 'other'")

    found = itemised.execute(
        """SELECT connection, sku, tracking, level FROM sync.item WHERE side = 'store'
           ORDER BY sku"""
    ).fetchall()
    assert found == [("acme", "HAT", "none", None), ("acme", "Mug  1", "product", 3)]
    oms = itemised.execute("SELECT count(*) FROM sync.item WHERE side = 'oms'").fetchone()
    assert oms == (2,)
    with pytest.raises(psycopg.errors.InvalidColumnReference, match="ON CONFLICT"):
        itemised.execute(
            """INSERT INTO sync.oms_item (connection, sku, uom, checked_at)
               VALUES ('acme', 'PEN', 'EA', now()) ON CONFLICT (connection, sku) DO NOTHING"""
        )
    itemised.close()


def test_the_old_names_are_gone(database: str) -> None:
    """Items are in one table, and a connection's streams in another one."""
    with psycopg.connect(database, autocommit=True) as db:
        found = db.execute(
            """SELECT count(*) FROM information_schema.columns WHERE table_schema = 'sync'
               AND (table_name IN ('store_item', 'oms_item')
                    OR (table_name, column_name) = ('connection', 'streams'))"""
        ).fetchone()
        assert found == (0,)


@pytest.mark.parametrize(
    ("side", "more"),
    [
        ("store", "uom = 'EA'"),
        ("store", "parent_id = NULL"),
        ("oms", "tracking = 'none'"),
        ("oms", "uoms = NULL"),
        ("oms", "side = 'elsewhere'"),
    ],
)
def test_an_item_has_what_its_side_has(
    itemised: psycopg.Connection[tuple[object, ...]], side: str, more: str
) -> None:
    """A row that mixes both sides is refused."""
    migrate(itemised, "0027", "0027")
    with pytest.raises(psycopg.errors.CheckViolation):
        itemised.execute(f"UPDATE sync.item SET {more} WHERE side = '{side}'")  # noqa: S608
    itemised.close()


def test_a_stream_that_was_paused_before_it_ever_started_starts_when_it_is_resumed(
    before: psycopg.Connection[tuple[object, ...]],
) -> None:
    """As in a backup of before starts were noted: the program that it replaces may have sent all.

    One that has sent something, or is active, has done so for long.
    """
    migrate(before, "0001", "0048")
    before.execute(
        """INSERT INTO sync.activation (connection, stream, active, changed_by, why)
           VALUES ('acme', 'orders', false, 'ann', ''), ('acme', 'returns', true, 'ann', ''),
                  ('acme', 'customers', false, 'ann', ''), ('other', 'orders', false, 'ann', '')"""
    )
    before.execute(
        """INSERT INTO sync.delivery (delivery_key, connection, stream, source_id, action,
               target_key, source_day, capture_id, state, attempts, correlation_id, run_id,
               claimed_at, is_uncertain)
           VALUES (gen_random_uuid(), 'acme', 'customers', '1', 'create', '1', '2026-01-01',
                   gen_random_uuid(), 'delivered', 1, '', 'r', now(), false)"""
    )

    migrate(before, "0049", "9999")

    def known(connection: str, stream: str) -> bool:
        return started_at(before, connection, stream) is not None

    assert known("acme", "orders") and known("other", "orders")
    assert not known("acme", "returns") and not known("acme", "customers")
    resume(before, "acme", ["orders", "customers"], "ann")
    started = started_at(before, "acme", "orders")
    assert started is not None
    assert datetime.now(UTC) - timedelta(minutes=5) < started <= datetime.now(UTC)
    assert not known("acme", "customers")
    before.close()


@pytest.mark.parametrize(("kept", "channel", "is_narrowed"), [
    (None, 2, True), (None, None, False), ("", 2, True), ("2", 2, False),
])  # fmt: skip
def test_a_ledger_that_does_not_know_what_a_connection_served_keeps_the_orders_of_all_of_it(
    database: str, kept: str | None, channel: int | None, is_narrowed: bool
) -> None:
    """A backup of before that was noted, under a configuration that names a channel since."""
    with psycopg.connect(database, autocommit=True) as db:
        describe(db, installation(channel))
        db.execute("UPDATE sync.connection SET part = %s, narrowed_at = NULL", (kept,))
        describe(db, installation(channel))
        row = db.execute("SELECT narrowed_at IS NOT NULL FROM sync.connection").fetchone()
        assert row == (is_narrowed,)
        describe(db, installation(channel))
        part = db.execute("SELECT part FROM sync.connection").fetchone()
        assert part == ("" if channel is None else str(channel),)


def installation(channel: int | None) -> Installation:
    """Return a connection to a store, or to one channel of it."""
    platform = {
        "kind": "bigcommerce", "store_hash": "abc123", "token": {"env": "T"},
        **({} if channel is None else {"channel_id": channel}),
    }  # fmt: skip
    oms = settings_of().model_dump(mode="json", exclude_unset=True)
    return Installation.model_validate(
        {"connections": {"acme": {"platform": platform, "oms": oms | {"kind": "manhattan"}}}}
    )
