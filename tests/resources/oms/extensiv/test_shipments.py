"""The progress of an order: cartons, units by line, late numbers, errors and holds."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from resources.oms.extensiv.orders.lookup import Origins
from resources.oms.extensiv.shipments.mapping import FulfilmentMapper
from tests.conformance.systems import connection_of
from tests.resources.oms.extensiv.samples import settings_of, shipment, view

CONNECTION = connection_of(orders={"order_id_prefix": "T-"})
MAPPER = FulfilmentMapper(settings_of(), CONNECTION, Origins(settings_of(), CONNECTION))


def mapped(payload: bytes) -> Mapped[Fulfilment]:
    """Map a linked order."""
    found = MAPPER.fulfilment(payload, is_linked=True)
    assert isinstance(found, Mapped)
    return found


def parcels(payload: bytes) -> dict[str, dict[str, int]]:
    """Return the units by line of each parcel."""
    return {
        parcel.parcel_id: {line.line_id: int(line.quantity) for line in parcel.lines}
        for parcel in mapped(payload).record.parcels
    }


def test_each_carton_is_a_parcel_with_its_units() -> None:
    """One shipment may hold several; what is listed twice counts once."""
    first = shipment(("SKU-1", 2), ("SKU-2", "1"))
    first["items"][1]["carton_num"] = 2
    first["items"].append(dict(first["items"][0]))
    assert parcels(view(first)) == {"carton-1": {"11": 2}, "carton-2": {"12": 1}}
    assert mapped(view(first)).record.milestone() is Milestone.SHIPPED


def test_a_parcel_keeps_its_name_when_its_number_comes_late_or_changes() -> None:
    """Otherwise the store would get a second shipment."""
    numbers = ("", "1Z5R89390357567127", "1Z8W4R260373687877")
    names = [list(parcels(view(shipment(("SKU-1", 1), tracking_no=n)))) for n in numbers]
    assert names == [["carton-1"]] * 3


def test_two_shipments_of_one_carton_number_are_two_parcels() -> None:
    """Whether cartons are numbered by order or by shipment is not known."""
    found = parcels(view(shipment(("SKU-1", 1)), shipment(("SKU-1", 1), tracking_no="2")))
    assert found == {"carton-1": {"11": 1}, "carton-1/2": {"11": 1}}


def test_a_parcel_keeps_its_name_when_a_later_shipment_has_the_same_carton_number() -> None:
    """Otherwise the store would get a second shipment for units that it already shows."""
    first = shipment(("SKU-1", 1))
    later = [shipment(("SKU-2", 1), tracking_no=str(number)) for number in (2, 3)]
    for count in range(3):
        assert next(iter(parcels(view(first, *later[:count])))) == "carton-1"
    empty_at_first = shipment(("SKU-1", 0))
    assert list(parcels(view(empty_at_first, later[0]))) == ["carton-1/2"]
    assert list(parcels(view(first, later[0]))) == ["carton-1", "carton-1/2"]


def test_a_carton_without_units_is_no_parcel() -> None:
    """The store would show a shipment of nothing."""
    assert parcels(view(shipment(("SKU-1", 0)))) == {}


def test_a_shipment_that_names_no_carton_is_one_parcel_by_its_place() -> None:
    """A code of the carton or a label of the shipment comes before a number."""
    bare = {"tracking_no": "", "items": [{"item": "SKU-1", "quantity": 1}]}
    assert parcels(view(bare, bare)) == {"shipment-1": {"11": 1}, "shipment-2": {"11": 1}}
    labelled = shipment(("SKU-1", 1), sscc_barcode="0034")
    assert list(parcels(view(labelled))) == ["0034"]
    labelled["items"][0]["carton_code"] = "C-9"
    assert list(parcels(view(labelled))) == ["C-9"]


@pytest.mark.parametrize("items", [None, [], [{"item": " ", "quantity": 1}], [{"item": "SKU-1"}]])
def test_a_shipment_whose_units_can_not_be_read_is_a_rejection(items: Any) -> None:
    """It is never sent as a parcel with fewer units than left the warehouse."""
    with pytest.raises(RecordRejected) as rejected:
        mapped(view(shipment(("SKU-1", 1)), shipment(items=items)))
    [problem] = rejected.value.problems
    assert problem.code == "oms_payload_unreadable"
    assert problem.field.startswith("shipments")


@pytest.mark.parametrize(
    ("carrier", "number", "sent", "warned"),
    [
        ("UPS", "x", "ups", False),
        ("Bob's Vans", "1Z5R89390357567127", None, True),  # what is named is not overruled
        (None, "1Z5R89390357567127", "ups", False),
        (None, "12", None, True),
        (None, "", None, False),
    ],
)
def test_the_carrier_is_the_named_one_or_proven_by_the_number(
    carrier: str | None, number: str, sent: str | None, warned: bool
) -> None:
    """A carrier that is not known is a warning, and the parcel goes out with its name."""
    found = mapped(view(shipment(("SKU-1", 1), carrier=carrier, tracking_no=number)))
    [parcel] = found.record.parcels
    assert (parcel.carrier, parcel.carrier_source) == (sent, carrier or "")
    codes = [warning.code for warning in found.warnings]
    assert codes == ["carrier_unknown"] * warned


def test_units_of_a_sku_over_several_shipments_fill_its_lines_once() -> None:
    """A line that is full takes no more; what is left over stays with the last."""
    items = [
        {"line_item_id": "11", "item": "SKU-1", "quantity": 1},
        {"line_item_id": "12", "item": "SKU-1", "quantity": 1},
    ]
    sent = [shipment(("SKU-1", 1), tracking_no=str(number)) for number in (1, 2, 3)]
    assert parcels(view(*sent, items=items)) == {
        "carton-1": {"11": 1},
        "carton-1/2": {"12": 1},
        "carton-1/3": {"12": 1},
    }


def test_units_of_a_sku_go_to_its_lines_in_their_order() -> None:
    """A shipment names SKUs; units of another SKU show as a line of their own."""
    items = [
        {"line_item_id": "11", "item": "SKU-1", "quantity": 2},
        {"line_item_id": "12", "item": "sku-1", "quantity": 3},
    ]
    assert parcels(view(shipment(("SKU-1", 4)), items=items)) == {"carton-1": {"11": 2, "12": 2}}
    assert parcels(view(shipment(("OTHER", 1)))) == {"carton-1": {"OTHER": 1}}


@pytest.mark.parametrize(
    ("status", "milestone"),
    [
        ("new", Milestone.CREATED),
        ("at_wms", Milestone.RELEASED),
        ("Partial", Milestone.RELEASED),
        ("canceled", Milestone.CANCELED),
    ],
)
def test_units_in_no_shipment_are_where_the_status_says(status: str, milestone: Milestone) -> None:
    """In any case of the word."""
    assert mapped(view(order_status=status)).record.milestone() is milestone


def test_a_shipped_order_with_units_in_no_shipment_is_a_warning() -> None:
    """They count as not shipped, so that the store shows no more than what left."""
    found = mapped(view(shipment(("SKU-1", 2)), order_status="shipped"))
    assert [warning.code for warning in found.warnings] == ["units_without_shipment"]
    assert found.record.milestone() is Milestone.PARTIALLY_SHIPPED
    [line] = [line for line in found.record.lines if line.line_id == "12"]
    assert [(part.milestone, part.quantity) for part in line.units] == [
        (Milestone.RELEASED, Decimal(1))
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"order_status": "error", "error_reason": "No ship method for Ada Osei, 1 Mill Lane"},
        {"order_status": "new", "on_hold": "Y", "error_reason": "No ship method"},
        {"order_status": "new", "sending_canceled": "Y"},
    ],
)
def test_an_error_and_a_hold_are_rejections(changes: dict[str, Any]) -> None:
    """With the account's own reason, but without the customer's data; a warning once it ships."""
    person = {
        "ship_first_name": "Ada",
        "ship_last_name": "Osei",
        "ship_address_1": "1 Mill Lane",
    }
    with pytest.raises(RecordRejected) as rejected:
        mapped(view(**person, **changes))
    [problem] = rejected.value.problems
    assert problem.code == "order_held_at_oms"
    assert ("No ship method" in problem.message) == ("error_reason" in changes)
    assert "Osei" not in problem.message
    assert "Mill Lane" not in problem.message
    shipped = mapped(view(shipment(("SKU-1", 1)), **changes))
    assert [warning.code for warning in shipped.warnings] == ["order_held_at_oms"]


def test_an_unknown_status_and_unreadable_values_are_reported_together() -> None:
    """Nothing is guessed."""
    with pytest.raises(RecordRejected) as rejected:
        mapped(view(order_status="teleported", items=[{"line_item_id": "1", "item": "A"}]))
    codes = {problem.code for problem in rejected.value.problems}
    assert "status_unknown" in codes


def test_orders_of_others_are_skipped_without_a_link() -> None:
    """By the prefix; a linked order is the connection's whatever it is called."""
    other = view(cust_ref="EU-1")
    assert isinstance(MAPPER.fulfilment(other), Skipped)
    assert isinstance(MAPPER.fulfilment(other, is_linked=True), Mapped)


def test_a_reason_is_not_shown_where_the_customers_data_is_not_known() -> None:
    """A field of the order is not text: whose name the reason quotes can't be seen."""
    payload = view(order_status="error", error_reason="Address of Ada is wrong")
    broken = payload[:-1] + b',"ship_first_name":"Ada\xff"}'
    with pytest.raises(RecordRejected) as caught:
        mapped(broken)
    [problem] = caught.value.problems
    assert problem.code == "order_held_at_oms"
    assert "Ada" not in problem.message


def test_a_skip_quotes_an_odd_id_in_one_printable_line() -> None:
    """The reason is listed in tables and logs."""
    found = MAPPER.fulfilment(view(cust_ref="a\n\u202eb" * 200))
    assert isinstance(found, Skipped)
    assert found.reason.isprintable()
    assert len(found.reason) <= 300


def test_a_shipment_answers_a_cancellation_and_nothing_else_does() -> None:
    """Extensiv has no answer of the warehouse; an order that waits there may still be canceled."""
    assert mapped(view(shipment(("SKU-1", 1)))).record.cancel_answer == "rejected"
    assert mapped(view()).record.cancel_answer is None
    assert mapped(view(order_status="canceled")).record.cancel_answer is None


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"cust_ref": None}, {"cust_ref"}),
        ({"cust_ref": " "}, {"cust_ref"}),
        ({"items": []}, {"items"}),
        ({"items": None}, {"items"}),
        (
            {"items": [{"line_item_id": "1", "item": " ", "quantity": 1}]},
            {"items[0].item"},
        ),
        ({"items": [{"item": "SKU-1", "quantity": 1}]}, {"items[0].line_item_id"}),
        ({"updated_date_time": None}, {"updated_date_time"}),
        ({"updated_date_time": "yesterday"}, {"updated_date_time"}),
        ({"updated_date_time": "0001-01-01T00:00:00+05:00"}, {"updated_date_time"}),
        ({"updated_date_time": "1026-03-04T05:06:07"}, {"updated_date_time"}),
    ],
)
def test_an_order_without_what_its_progress_needs_is_a_rejection(
    changes: dict[str, Any], fields: set[str]
) -> None:
    """Each missing or unreadable value is named by its field."""
    with pytest.raises(RecordRejected) as rejected:
        mapped(view(**changes))
    assert {problem.field for problem in rejected.value.problems} == fields
    assert {problem.code for problem in rejected.value.problems} == {"oms_payload_unreadable"}


def test_a_shipments_date_is_of_the_accounts_zone() -> None:
    """It names none: midnight of that day there."""
    settings = settings_of(naive_time_zone="America/New_York")
    mapper = FulfilmentMapper(settings, CONNECTION, Origins(settings, CONNECTION))
    mapped = mapper.fulfilment(view(shipment(("SKU-1", 1))))
    assert isinstance(mapped, Mapped)
    [parcel] = mapped.record.parcels
    assert parcel.shipped_at == datetime(2026, 3, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize("name", ["order_time_zone", "naive_time_zone"])
def test_a_zone_that_does_not_exist_is_refused_when_the_configuration_is_read(name: str) -> None:
    """Not with the first order."""
    with pytest.raises(ValueError, match="is not a time zone"):
        settings_of(**{name: "Mars/Base"})
