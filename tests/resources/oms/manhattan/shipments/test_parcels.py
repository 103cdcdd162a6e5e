"""Parcels from fulfilment details."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.resources.oms.manhattan.samples import published, published_line, shipped_detail
from tests.resources.oms.manhattan.shipments.mapper import read


def test_a_split_shipment_is_several_parcels() -> None:
    """Each package is a parcel with its lines; a detail listed twice counts once."""
    first = published_line(
        "1",
        ("7000", 3),
        FulfillmentDetail=[
            shipped_detail("F1"),
            shipped_detail("F1"),
            shipped_detail("F2", PackageId="P2"),
        ],
    )
    second = published_line(
        "2", ("7000", 2), FulfillmentDetail=[shipped_detail("F3", ItemId="SKU-2")]
    )
    one, two = read(published("T-1", first, second)).record.parcels
    assert [(content.line_id, content.quantity) for content in one.lines] == [("1", 2), ("2", 2)]
    assert (one.parcel_id, two.parcel_id) == ("P1", "P2")
    assert one.shipped_at == datetime(2026, 3, 5, 10, tzinfo=UTC)


def test_details_without_an_id_are_identified_by_package_line_and_number() -> None:
    """A detail that is published twice counts once."""
    line = published_line(
        "1", ("7000", 2), FulfillmentDetail=[shipped_detail(None), shipped_detail(None)]
    )
    (parcel,) = read(published("T-1", line)).record.parcels
    assert parcel.lines[0].quantity == 2


def test_one_package_with_two_numbers_is_two_parcels() -> None:
    """Each label is tracked by itself; the number replaces a missing package id."""
    details = [shipped_detail("F1"), shipped_detail("F2", TrackingNumber="1Z5R89390357567128")]
    line = published_line("1", ("7000", 4), FulfillmentDetail=details)
    assert {parcel.parcel_id for parcel in read(published("T-1", line)).record.parcels} == {
        "P1/1Z5R89390357567127",
        "P1/1Z5R89390357567128",
    }
    nameless = published_line(
        "1", ("7000", 2), FulfillmentDetail=[shipped_detail("F1", PackageId=None)]
    )
    assert read(published("T-1", nameless)).record.parcels[0].parcel_id == "1Z5R89390357567127"


def test_what_was_not_shipped_is_no_parcel() -> None:
    """Packed and canceled units have no parcel, and picked-up units never have one."""
    details = [shipped_detail("F1", StatusId="3700"), shipped_detail("F2", StatusId="9000.000")]
    collected = published_line(
        "2",
        ("7000", 2),
        DeliveryMethod={"DeliveryMethodId": "PickUpAtStore"},
        FulfillmentDetail=[shipped_detail("F3")],
    )
    order = published("T-1", published_line("1", ("3700", 4), FulfillmentDetail=details), collected)
    assert read(order).record.parcels == ()


@pytest.mark.parametrize(
    ("code", "number", "carrier", "warning"),
    [
        ("LocalVan", "ABC", "dpd", None),
        ("UPSN", "ABC", "ups", None),
        (None, "1Z5R89390357567127", "ups", None),
        ("WHO", "1Z5R89390357567127", None, "carrier_unknown"),
        ("STARTRACK", "ABC123456789", None, "carrier_unknown"),
        ("Blue Van", "LX12345678", None, "carrier_unknown"),
        ("WHO", "ABC", None, "carrier_unknown"),
        ("WHO", None, None, "carrier_unknown"),
        (None, "ABC123456789", None, "carrier_unknown"),
        (None, "LX12345678", None, "carrier_unknown"),
        (None, "RB123456785AU", None, "carrier_ambiguous"),
        (None, None, None, None),
    ],
)
def test_the_carrier_is_the_one_that_the_oms_names_else_what_the_number_proves(
    code: str | None, number: str | None, carrier: str | None, warning: str | None
) -> None:
    """The connection's mapping, then built-in names; the number counts only without a name."""
    line = published_line(
        "1",
        ("7000", 2),
        FulfillmentDetail=[shipped_detail(CarrierCode=code, TrackingNumber=number)],
    )
    mapped = read(published("T-1", line))
    [parcel] = mapped.record.parcels
    assert (parcel.carrier, parcel.carrier_source) == (carrier, code or "")
    assert [problem.code for problem in mapped.warnings] == ([warning] if warning else [])


def test_a_number_that_fits_several_carriers_gives_none() -> None:
    """A wrong tracking link is worse than none."""
    line = published_line(
        "1",
        ("7000", 2),
        FulfillmentDetail=[shipped_detail(CarrierCode=None, TrackingNumber="40494098540")],
    )
    mapped = read(published("T-1", line))
    assert mapped.record.parcels[0].carrier is None
    assert [problem.code for problem in mapped.warnings] == ["carrier_ambiguous"]


def test_tracking_info_adds_carrier_and_delivery() -> None:
    """The order has what the line's detail lacks, under the same tracking number."""
    info = {
        "TrackingNumber": "ABC",
        "CarrierCode": "FDX",
        "ShippedDate": "2026-03-05T09:00:00Z",
        "DeliveredDate": "2026-03-07T12:00:00+02:00",
    }
    detail = shipped_detail(TrackingNumber="ABC", CarrierCode=None, FulfillmentDate=None)
    line = published_line("1", ("7500", 2), FulfillmentDetail=[detail])
    (parcel,) = read(published("T-1", line, OrderTrackingInfo=[info])).record.parcels
    assert parcel.carrier == "fedex"
    assert parcel.shipped_at == datetime(2026, 3, 5, 9, tzinfo=UTC)
    assert parcel.delivered_at == datetime(2026, 3, 7, 10, tzinfo=UTC)
