"""The progress of an order: several shipments, tracking at ready to ship, and the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.shipments.mapping import FulfilmentMapper
from tests.conformance.systems import connection_of
from tests.resources.oms.anchanto.samples import captured, settings_of, shipment_row

CONNECTION = connection_of(orders={"order_id_prefix": "T-"})
MAPPER = FulfilmentMapper(settings_of(), CONNECTION, Origins(settings_of(), CONNECTION))


def mapped(payload: bytes) -> Mapped[Fulfilment]:
    """Map a linked order."""
    found = MAPPER.fulfilment(payload, is_linked=True)
    assert isinstance(found, Mapped)
    return found


def units(payload: bytes) -> dict[str, dict[str, int]]:
    """Return the units at each milestone by line."""
    return {
        line.line_id: {str(part.milestone): int(part.quantity) for part in line.units}
        for line in mapped(payload).record.lines
    }


def test_a_shipment_that_is_ready_shows_tracking_and_carrier_and_has_not_left() -> None:
    """The manifest says that it has, whatever the status is."""
    whole = shipment_row(("SKU-1", 2), ("SKU-2", 1))
    [parcel] = mapped(captured(whole, status="Ready_to_Ship")).record.parcels
    assert (parcel.parcel_id, parcel.tracking_number) == ("S1", "1Z5R89390357567127")
    assert (parcel.carrier, parcel.carrier_source) == ("ups", "UPS Ground")
    assert not parcel.has_left
    assert mapped(captured(whole)).record.milestone() is Milestone.PACKED

    sent = whole | {"manifest_number": "M1", "shipped_at": "2026-03-05T10:00:00Z"}
    for status in ("Ready_to_Ship", "In_transit"):
        record = mapped(captured(sent | {"status": status})).record
        assert record.parcels[0].has_left
        assert record.milestone() is Milestone.SHIPPED


def test_events_of_a_ready_parcel_say_packed_and_of_a_sent_one_shipped() -> None:
    """History and trace must not show that a parcel has left which waits for the carrier."""
    ready = shipment_row(("SKU-1", 2))
    for fields, milestone in (({}, Milestone.PACKED), ({"manifest_number": "M1"}, "shipped")):
        events = mapped(captured(ready | fields)).record.events()
        assert {event.milestone for event in events if event.parcel_id} == {milestone}


def test_a_packed_shipment_without_a_number_is_no_parcel_yet() -> None:
    """The store would show a shipment without tracking."""
    packed = shipment_row(("SKU-1", 2), ("SKU-2", 1), tracking_number="", status="Packed")
    record = mapped(captured(packed, status="Packed")).record
    assert record.parcels == ()
    assert record.milestone() is Milestone.PACKED


def test_several_shipments_of_an_order_are_several_parcels() -> None:
    """Each with its own units; the rest is where the order is."""
    first = shipment_row(("SKU-1", 1), manifest_number="M1", status="In_transit")
    second = shipment_row(("SKU-1", 1), shipment_number="S2", tracking_number="2")
    payload = captured(first, second)
    assert [parcel.has_left for parcel in mapped(payload).record.parcels] == [True, False]
    assert units(payload) == {"11": {"packed": 1, "shipped": 1}, "12": {"allocated": 1}}
    assert mapped(payload).record.milestone() is Milestone.PARTIALLY_SHIPPED


def test_units_of_one_sku_fill_its_lines_in_their_order() -> None:
    """A shipment names no lines; what was not ordered is shown, and rejected with its order."""
    lines = [{"line_id": name, "sku": "SKU-1", "quantity": 2} for name in ("a", "b")]
    found = mapped(captured(shipment_row(("sku-1", 3)), order_items=lines)).record.parcels
    assert [(line.line_id, int(line.quantity)) for line in found[0].lines] == [("a", 2), ("b", 1)]
    [foreign] = mapped(captured(shipment_row(("OTHER", 1)))).record.parcels
    assert [line.line_id for line in foreign.lines] == ["OTHER"]


def carrier(code: str, name: str, number: str) -> tuple[str | None, str, list[str]]:
    """Return our carrier of a shipment, the name that is shown, and the codes of the warnings."""
    row = shipment_row(
        ("SKU-1", 2), ("SKU-2", 1), carrier_code=code, carrier_name=name, tracking_number=number
    )
    found = mapped(captured(row))
    [parcel] = found.record.parcels
    assert all(warning.field and warning.advice for warning in found.warnings)
    return parcel.carrier, parcel.carrier_source, [warning.code for warning in found.warnings]


def test_the_carrier_is_the_one_that_is_named() -> None:
    """Whatever the number looks like; one that is not known goes on as text, with a warning."""
    ups = "1Z5R89390357567127"
    assert carrier("UPS", "", "X1") == ("ups", "UPS", [])
    assert carrier("", "UPS Ground", "X1") == ("ups", "UPS Ground", [])
    assert carrier("?", "UPS", "X1") == ("ups", "UPS", [])
    assert carrier("SKYLARK", "", ups) == (None, "SKYLARK", ["carrier_unknown"])


def test_without_a_carriers_name_its_number_may_prove_it() -> None:
    """Only a check digit does."""
    assert carrier("", "", "1Z5R89390357567127") == ("ups", "", [])
    assert carrier("", "", "X1") == (None, "", ["carrier_unknown"])
    sent = shipment_row(
        ("SKU-1", 2),
        ("SKU-2", 1),
        manifest_number="M",
        tracking_number="",
        carrier_code="",
        carrier_name="",
    )
    bare = mapped(captured(sent))
    assert [parcel.carrier for parcel in bare.record.parcels] == [None]
    assert bare.warnings == ()


@pytest.mark.parametrize(
    ("shipments", "fields", "field"),
    [
        ([shipment_row((" ", 1))], {}, "shipments[0].items.sku"),
        ([shipment_row(("SKU-1", 1)), shipment_row(("SKU-1", "x"))], {},
         "shipments[1].items[0].quantity"),
        ([], {"order_items": [{"line_id": "11", "sku": "", "quantity": 1}]}, "order_items[0].sku"),
        ([], {"order_items": [{"line_id": "1", "sku": "A", "quantity": 1},
                              {"sku": "B", "quantity": 1}]}, "order_items[1].line_id"),
        ([], {"order_items": [{"line_id": "1", "sku": "A", "quantity": -1}]},
         "order_items[0].quantity"),
    ],
)  # fmt: skip
def test_a_line_or_unit_that_can_t_be_read_is_named_by_its_place(
    shipments: list[dict[str, Any]], fields: Mapping[str, Any], field: str
) -> None:
    """Units without a SKU or an id would be counted nowhere."""
    with pytest.raises(RecordRejected) as rejected:
        mapped(captured(*shipments, **fields))
    [problem] = rejected.value.problems
    assert (problem.code, problem.field) == ("oms_payload_unreadable", field)


def test_a_canceled_shipment_counts_for_nothing() -> None:
    """Its units are packed again."""
    gone = shipment_row(("SKU-1", 2), status="Cancelled")
    assert mapped(captured(gone)).record.parcels == ()
    assert units(captured(gone)) == {"11": {"allocated": 2}, "12": {"allocated": 1}}


@pytest.mark.parametrize(
    ("status", "milestone"),
    [
        ("Unpaid", "created"),
        ("Partial", "created"),
        ("Ready_for_Fulfilment", "allocated"),
        ("Packed", "packed"),
        ("Canceled", "canceled"),
    ],
)
def test_an_order_without_shipments_is_where_its_status_says(status: str, milestone: str) -> None:
    """Partial waits for stock: nothing of it has shipped."""
    assert units(captured(status=status)) == {"11": {milestone: 2}, "12": {milestone: 1}}


def test_units_that_are_in_no_shipment_have_not_shipped() -> None:
    """Whatever the order's status says; a warning names them."""
    found = mapped(captured(shipment_row(("SKU-1", 2), manifest_number="M"), status="In_transit"))
    assert [warning.code for warning in found.warnings] == ["units_without_shipment"]
    assert found.record.milestone() is Milestone.PARTIALLY_SHIPPED
    bare = mapped(captured(status="Delivered"))
    assert len(bare.warnings) == 2
    assert bare.record.milestone() is Milestone.ALLOCATED


@pytest.mark.parametrize("status", ["Delivered", "Completed"])
def test_a_delivered_order_is_so_with_all_of_its_shipments(status: str) -> None:
    """Whether each shipment says so, too, or not."""
    whole = shipment_row(("SKU-1", 2), ("SKU-2", 1), manifest_number="M", status="In_transit")
    assert mapped(captured(whole, status=status)).record.milestone() is Milestone.DELIVERED


def test_a_parcel_refuses_a_cancellation_that_was_asked_for() -> None:
    """Anchanto states no answer of its own."""
    assert mapped(captured()).record.cancel_answer is None
    assert mapped(captured(shipment_row(("SKU-1", 1)))).record.cancel_answer == "rejected"


@pytest.mark.parametrize(
    ("shipments", "fields", "code"),
    [
        ([], {"status": "Parked"}, "status_unknown"),
        ([shipment_row(("SKU-1", 1), status="Lost")], {}, "status_unknown"),
        ([shipment_row(("SKU-1", -1))], {}, "oms_payload_unreadable"),
        ([shipment_row()], {}, "oms_payload_unreadable"),
        ([shipment_row(("SKU-1", 1), shipment_number=None)], {}, "oms_payload_unreadable"),
        ([], {"order_items": []}, "oms_payload_unreadable"),
        ([], {"updated_at": "yesterday"}, "oms_payload_unreadable"),
        ([], {"number": None}, "oms_payload_unreadable"),
    ],
)
def test_what_can_t_be_read_is_a_rejection_with_its_field(
    shipments: list[dict[str, Any]], fields: Mapping[str, Any], code: str
) -> None:
    """Never a guess."""
    with pytest.raises(RecordRejected) as rejected:
        mapped(captured(*shipments, **fields))
    assert {problem.code for problem in rejected.value.problems} == {code}
    assert all(problem.field and problem.advice for problem in rejected.value.problems)


@pytest.mark.parametrize("fields", [{"number": "X-1"}, {"number": "T-"}, {"store_code": "SHOPEE"}])
def test_an_order_of_another_source_is_skipped(fields: dict[str, str]) -> None:
    """By its prefix or its sales channel; a linked one is mapped in any case."""
    assert isinstance(MAPPER.fulfilment(captured(**fields)), Skipped)
    assert isinstance(MAPPER.fulfilment(captured(**fields), is_linked=True), Mapped)
    assert isinstance(MAPPER.fulfilment(captured()), Mapped)
