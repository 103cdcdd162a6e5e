"""``history.shipments`` counts each unit once, as the order's newest version says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from assets.streams.shipments.stream import Shipments
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment, LineProgress, Parcel, ParcelLine, Units
from resources.ledger.ledger import Ledger
from resources.ledger.rows import StoredCapture
from tests.assets.scene import Scene
from tests.resources.ledger.rows import capture, record

pytestmark = pytest.mark.slow

LEFT = datetime(2026, 3, 19, 12, tzinfo=UTC)
NUMBER = "1Z5R89390357567127"


def parcel(
    name: str = "P1", units: int = 2, number: str = "", at: datetime | None = LEFT
) -> Parcel:
    """Return a parcel with units of line 1."""
    line = ParcelLine(line_id="1", sku="MUG", quantity=Decimal(units))
    carrier = "ups" if number else None
    return Parcel(
        parcel_id=name, tracking_number=number, carrier=carrier, shipped_at=at, lines=(line,)
    )


class Orders:
    """The versions of an order that the OMS shows, one after another."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def read(
        self, hours: float, *parcels: Parcel, shipped: int | None = None, stamp: float = 0
    ) -> None:
        """Validate the version of so many hours after the parcel left.

        ``stamp`` are the hours by which the document's own time is off.
        """
        moment = LEFT + timedelta(hours=hours)
        total = sum(int(line.quantity) for one in parcels for line in one.lines)
        stages = {Milestone.SHIPPED: total if shipped is None else shipped}
        units = tuple(
            Units(milestone=stage, quantity=Decimal(number))
            for stage, number in stages.items()
            if number
        )
        progress = LineProgress(line_id="1", sku="MUG", ordered=Decimal(3), units=units)
        fulfilment = Fulfilment(
            order_id="BC-1",
            source_id="1",
            updated_at=moment + timedelta(hours=stamp),
            lines=(progress,),
            parcels=parcels,
        )
        row = capture("BC-1", repr(parcels).encode(), moment)
        stored = StoredCapture(row.capture_id, "BC-1", moment, b"", row.correlation_id, False)
        typed = Shipments().typed([(stored, fulfilment)])
        with self._ledger.session("acme", "shipments", "run-1") as session, session.transaction():
            session.captures.add([row], "run-1")
            session.records.put(row.source_day, [record(row)], typed, "run-1")

    def shipments(self) -> list[tuple[str, int, str, datetime]]:
        """Return name, units, number and time of each of the order's parcels."""
        with self._ledger.connect() as db:
            rows = db.execute(
                """SELECT parcel_id, quantity::int, tracking_number, occurred_at
                   FROM history.shipments WHERE connection = 'acme' AND source_id = '1'
                   ORDER BY parcel_id"""
            ).fetchall()
        return [(a, b, c, d.astimezone(UTC)) for a, b, c, d in rows]


@pytest.fixture
def orders(database: str) -> Iterator[Orders]:
    """Return an order of which nothing is known."""
    ledger = Ledger(database)
    yield Orders(ledger)
    ledger.close()


@pytest.mark.parametrize("hours", [1.0, 30.0], ids=["same day", "next day"])
def test_a_late_tracking_number_corrects_its_row(orders: Orders, hours: float) -> None:
    """The number and the carrier, and not the time at which the parcel left."""
    orders.read(0, parcel())
    orders.read(hours, parcel(number=NUMBER))
    assert orders.shipments() == [("P1", 2, NUMBER, LEFT)]


@pytest.mark.parametrize("hours", [1.0, 30.0], ids=["same day", "next day"])
def test_a_parcel_that_gets_another_name_counts_once(orders: Orders, hours: float) -> None:
    """An OMS without package ids names a parcel by its number, once it has one."""
    orders.read(0, parcel("F7"))
    orders.read(hours, parcel(NUMBER, number=NUMBER))
    assert orders.shipments() == [(NUMBER, 2, NUMBER, LEFT)]


@pytest.mark.parametrize("hours", [1.0, 30.0], ids=["same day", "next day"])
def test_a_parcel_that_grows_counts_its_units_once(orders: Orders, hours: float) -> None:
    """Two units, then three in the same parcel: three."""
    orders.read(0, parcel())
    orders.read(hours, parcel(units=3))
    assert orders.shipments() == [("P1", 3, "", LEFT)]


def test_a_second_parcel_is_one_more(orders: Orders) -> None:
    """What was right before stays so: each parcel has its row."""
    orders.read(0, parcel())
    orders.read(30, parcel(), parcel("P2", 1, NUMBER, LEFT + timedelta(hours=30)))
    assert [row[:3] for row in orders.shipments()] == [("P1", 2, ""), ("P2", 1, NUMBER)]


def test_a_parcel_that_was_never_sent_after_all_is_gone(orders: Orders) -> None:
    """The newest version has none."""
    orders.read(0, parcel())
    orders.read(1, shipped=0)
    orders.read(2, shipped=1)
    assert orders.shipments() == []


def test_an_older_version_that_is_read_late_changes_nothing(orders: Orders) -> None:
    """Also not if it is the same fact of the same day."""
    orders.read(2, parcel(number=NUMBER))
    orders.read(1, parcel())
    assert orders.shipments() == [("P1", 2, NUMBER, LEFT)]


def test_versions_are_ordered_by_the_time_of_their_capture(orders: Orders) -> None:
    """Where clocks go back, the later document may state the earlier time."""
    orders.read(0, parcel())
    orders.read(0.5, parcel(number=NUMBER, at=None), stamp=-1)
    assert [row[:3] for row in orders.shipments()] == [("P1", 2, NUMBER)]
    assert orders.shipments()[0][3] == LEFT


def test_a_rerun_of_an_old_partition_changes_nothing(orders: Orders) -> None:
    """The first day is validated again after the second."""
    orders.read(0, parcel("F7"))
    orders.read(30, parcel(NUMBER, 3, NUMBER))
    orders.read(0, parcel("F7"))
    assert orders.shipments() == [(NUMBER, 3, NUMBER, LEFT)]


def test_a_time_that_only_the_version_states_stays_the_first(orders: Orders) -> None:
    """The OMS says no time of the parcel: it is when the parcel was first seen."""
    orders.read(0, parcel(at=None))
    orders.read(30, parcel(at=None, number=NUMBER))
    assert orders.shipments() == [("P1", 2, NUMBER, LEFT)]


def test_parcels_and_stages_are_views_of_their_own(scene: Scene) -> None:
    """A parcel's number comes late: one shipment, one event of it, and the stages apart."""
    scene.place_many([1])
    scene.run("orders")
    scene.to_oms("orders/1/ship", {"labelled": False, "carrier": None})
    scene.run("shipments")
    scene.to_oms("orders/1/track", {"tracking": NUMBER, "carrier": "UPS"})
    scene.run("shipments")

    ordered = scene.sql("SELECT sum(quantity) FROM history.order_lines WHERE source_id = '1'")
    found = scene.sql(
        "SELECT sum(quantity), array_agg(DISTINCT tracking_number) FROM history.shipments"
    )
    assert found == [(ordered[0][0], [NUMBER])]
    present = "SELECT sum(quantity) FROM history.milestones WHERE is_present"
    assert scene.sql(present) == ordered
    events = scene.sql(
        """SELECT event, detail, run_id <> '' FROM history.order_timeline
           WHERE source_id = '1' AND event LIKE '%%shipped'"""
    )
    parcels = [(detail, has_run) for event, detail, has_run in events if event != "shipped"]
    assert len(parcels) == len(scene.sql("SELECT line_id FROM history.shipments"))
    assert all(NUMBER in detail and has_run for detail, has_run in parcels)
