"""Comparing an order at the tenant with what it should hold."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import RecordRejected
from domain.reconciliation import DIFFERS, MISSING_AT_SOURCE, MISSING_AT_TARGET, Difference
from resources.oms.manhattan.orders.changes import order_change
from resources.oms.manhattan.orders.diff import compare_order
from resources.oms.manhattan.orders.mapping import OrderMapper
from tests.resources.oms.manhattan.samples import PICKUP, line_of, order_of, settings_of

Json = dict[str, Any]
MAPPER = OrderMapper(settings_of())


def wanted_order(**changes: Any) -> Json:
    """Build what the tenant should hold, in parts that may be changed."""
    content: Json = orjson.loads(orjson.dumps(MAPPER.payload(order_of(**changes))))
    return content


def compared(actual: Json, wanted: Json) -> tuple[Json, list[Difference]]:
    """Compare an order that can be compared."""
    return compare_order(orjson.dumps(actual), wanted)


def differences(actual: Json, wanted: Json) -> list[tuple[str, str, str, str]]:
    """Compare, and list field, line and both values of every difference."""
    return [
        (one.field, one.line_id, one.expected, one.found) for one in compared(actual, wanted)[1]
    ]


def test_an_order_that_holds_everything_has_no_difference() -> None:
    """Whatever the tenant has added to it."""
    wanted = wanted_order(hold="Fraud Review")
    actual = {**wanted, "Total": 54.04, "OrderNote": [{"NoteId": "own", "NoteText": "Call"}]}
    assert compared(actual, wanted) == (wanted, [])


@pytest.mark.parametrize(
    ("currency", "by", "differs"),
    [("JPY", 0.9, False), ("JPY", 1, True), ("KWD", 0.004, True), ("KWD", 0.0009, False)],
)
def test_amounts_differ_by_a_minor_unit_of_the_currency(
    currency: str, by: float, differs: bool
) -> None:
    """A tenant rounds to whole yen; four fils are money."""
    wanted = wanted_order(currency=currency)
    actual = copy.deepcopy(wanted)
    actual["OrderLine"][0]["OrderLineTaxDetail"][0]["TaxAmount"] += by
    assert [one.field for one in compared(actual, wanted)[1]] == ["taxes"] * differs


def test_what_a_tenant_normalises_is_no_difference() -> None:
    """Case, spaces, number formats, plain text for an object, a longer postal code, a cent."""
    wanted = wanted_order()
    actual = copy.deepcopy(wanted)
    actual["CustomerEmail"] = "ADA@example.com"
    actual["SellingChannel"] = "Web"
    first = actual["OrderLine"][0]
    first |= {"Quantity": "2.0", "UnitPrice": "19.990", "UOM": "ea"}
    first["ShipToAddress"]["Address"] |= {"PostalCode": "78701-1234", "City": "AUSTIN"}
    first["OrderLineTaxDetail"][0]["TaxAmount"] += 0.009
    assert compared(actual, wanted) == (wanted, [])


def test_changed_values_are_listed_by_line_with_both_values() -> None:
    """And the state has the tenant's values, so that a change from it corrects them."""
    wanted = wanted_order()
    actual = copy.deepcopy(wanted)
    actual["OrderLine"][1] |= {"Quantity": 4, "UnitPrice": None, "ItemId": "SKU-9"}
    actual["SellingChannel"] = {"SellingChannelId": "Phone"}
    state, found = compared(actual, wanted)
    assert [(one.field, one.line_id, one.expected, one.found) for one in found] == [
        ("channel", "", "Web", "Phone"),
        ("sku", "2", "SKU-2", "SKU-9"),
        ("quantity", "2", "1", "4"),
        ("unit_price", "2", "5.1", "none"),
    ]
    assert all(one.kind == DIFFERS and one.can_repair for one in found)
    change = order_change(state, wanted, "Reason")
    assert change == {
        "OrderId": "T-1001",
        "SellingChannel": {"SellingChannelId": "Web"},
        "OrderLine": [
            {"OrderLineId": "2", "ItemId": "SKU-2", "Quantity": 1, "UnitPrice": 5.1},
        ],
    }


def test_of_personal_values_only_the_attributes_are_named() -> None:
    """A drift is shown to operators, who need no address for it."""
    wanted = wanted_order()
    actual = copy.deepcopy(wanted)
    actual |= {"CustomerEmail": "eve@example.com", "CustomerLastName": "Other"}
    for line in actual["OrderLine"]:
        line["ShipToAddress"]["Address"] |= {"City": "Waco", "Address1": "2 Mill Lane"}
    text = "as in the store"
    assert differences(actual, wanted) == [
        ("customer", "", text, "differs in CustomerEmail, CustomerLastName"),
        ("address", "", text, "differs in Address1, City"),
    ]


def test_an_address_that_the_tenant_has_verified_may_differ() -> None:
    """In the parts that a verification rewrites, and no others."""
    wanted = wanted_order()
    actual = copy.deepcopy(wanted)
    for line in actual["OrderLine"]:
        line["ShipToAddress"]["IsAddressVerified"] = True
        line["ShipToAddress"]["Address"] |= {"Address1": "1 MILL LN", "County": "Travis"}
    assert differences(actual, wanted) == []
    actual["OrderLine"][0]["ShipToAddress"]["Address"]["Country"] = "MX"
    assert differences(actual, wanted) == [("address", "", "as in the store", "differs in Country")]


def test_missing_and_further_lines_are_named() -> None:
    """A missing line can be sent again; one that the store lacks is the tenant's to explain."""
    wanted = wanted_order()
    actual = copy.deepcopy(wanted)
    actual["OrderLine"][0] |= {"OrderLineId": "9", "Quantity": "3.00"}
    state, found = compared(actual, wanted)
    assert [(one.kind, one.line_id, one.expected, one.found, one.can_repair) for one in found] == [
        (MISSING_AT_TARGET, "1", "2 x SKU-1", "no such line", True),
        (MISSING_AT_SOURCE, "9", "no such line", "3 x SKU-1", False),
    ]
    assert [line["OrderLineId"] for line in state["OrderLine"]] == ["2"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "marks", [{"Quantity": 0}, {"IsCancelled": True}, {"IsReturn": True}, {"ParentOrderId": "T-1"}]
)
def test_canceled_and_return_lines_are_no_further_lines(marks: Json) -> None:
    """They need no line in the store."""
    wanted = wanted_order()
    further = {"OrderLineId": "9", "ItemId": "SKU-9", "Quantity": 1, **marks}
    assert differences({**wanted, "OrderLine": [*wanted["OrderLine"], further]}, wanted) == []


def test_units_that_were_canceled_count_as_ordered() -> None:
    """The tenant reduces the quantity and the money on canceling."""
    wanted = wanted_order()
    actual = copy.deepcopy(wanted)
    actual["OrderLine"][0] |= {
        "Quantity": 1,
        "OrderLineCancelHistory": [{"CancelQuantity": "1.00"}],
        "OrderLineChargeDetail": [],
    }
    actual["OrderLine"][1] |= {
        "Quantity": 0,
        "IsCancelled": True,
        "OrderLineTaxDetail": None,
        "OrderLineCancelHistory": [{"CancelQuantity": 1}],
    }
    assert differences(actual, wanted) == []


@pytest.mark.parametrize(
    ("in_store", "fields"),
    [
        ({"UnitPrice": 1.0, "ShippingMethodId": "X", "ShipToAddress": {}}, []),
        ({"Quantity": 1}, []),
        ({"Quantity": 3}, ["quantity"]),
        ({"ItemId": "SKU-9"}, ["sku"]),
    ],
)
def test_a_canceled_line_lacks_only_what_the_store_has_added(
    in_store: Json, fields: list[str]
) -> None:
    """Nothing else of it can change any more, so no repair would be of use."""
    wanted = wanted_order()
    actual = copy.deepcopy(wanted)
    history = [{"CancelQuantity": 2, "CancelReason": {"ReasonId": "Short"}}]
    canceled = {"Quantity": 0, "IsCancelled": True, "OrderLineCancelHistory": history}
    actual["OrderLine"][0] |= canceled
    wanted["OrderLine"][0] |= in_store
    assert [one.field for one in compared(actual, wanted)[1]] == fields


def test_a_canceled_order_has_no_money_to_compare() -> None:
    """Its charges and taxes are 0 at the tenant."""
    wanted = wanted_order()
    actual = {**wanted, "IsCancelled": True, "OrderChargeDetail": [], "OrderTaxDetail": []}
    assert differences(actual, wanted) == []


def test_money_is_compared_entry_by_entry() -> None:
    """A changed amount, a missing entry, and one that the tenant has added."""
    wanted = wanted_order()
    actual = copy.deepcopy(wanted)
    actual["OrderChargeDetail"][0]["ChargeTotal"] = 8.5
    actual["OrderTaxDetail"] = []
    actual["OrderLine"][0]["OrderLineChargeDetail"] += [
        {"ChargeDetailId": "fee", "ChargeTotal": 3},
        {"ChargeDetailId": "info", "ChargeTotal": 3, "IsInformational": True},
        {"ChargeDetailId": "removed", "ChargeTotal": 0},
    ]
    actual["Payment"][0]["PaymentMethod"][0]["Amount"] = 50
    state, found = compared(actual, wanted)
    assert [(one.field, one.line_id, one.expected, one.found) for one in found] == [
        ("charges", "", "7.0", "8.5"),
        ("taxes", "", "0.41", "none"),
        ("payment", "", "54.04", "50"),
        ("charges_added", "1", "none", "3"),
    ]
    assert [one.can_repair for one in found] == [True, True, True, False]
    assert order_change(state, wanted, "Reason") == {
        "OrderId": "T-1001",
        "OrderChargeDetail": [{"ChargeDetailId": "Cs7", "ChargeTotal": 7.0}],
        "OrderTaxDetail": wanted["OrderTaxDetail"],
        "Payment": [
            {
                "PaymentId": "T-1001",
                "PaymentMethod": [{"PaymentMethodId": "p1", "Amount": 54.04}],
            }
        ],
    }


def test_an_order_without_payment_or_ids_is_compared() -> None:
    """Entries without an id are the tenant's own."""
    wanted = wanted_order()
    actual = copy.deepcopy(wanted)
    del actual["Payment"]
    actual["OrderTaxDetail"] += [{"TaxAmount": 9}]
    assert differences(actual, wanted) == [("payment", "", "54.04", "none")]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b'"T-1"',
        b'{"OrderLine": 5}',
        b'{"OrderLine": [5]}',
        b'{"Payment": {"a": 1}}',
    ],
)
def test_an_order_of_another_shape_is_a_rejection(payload: bytes) -> None:
    """It is never taken for an order that lacks everything."""
    with pytest.raises(RecordRejected) as caught:
        compare_order(payload, wanted_order())
    assert caught.value.problems[0].code == "oms_payload_unreadable"


@given(st.data())
def test_any_replaced_value_is_a_comparison_or_a_rejection(data: st.DataObject) -> None:
    """Nothing else is raised, and the state can always be corrected."""
    wanted = wanted_order(hold="Fraud Review")
    actual = copy.deepcopy(wanted)
    holder: Any = data.draw(st.sampled_from([actual, actual["OrderLine"][0], actual["Payment"][0]]))
    name = data.draw(st.sampled_from(sorted(holder)))
    values = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
    holder[name] = data.draw(values | st.lists(values, max_size=2) | st.just({"x": []}))
    try:
        state, found = compared(actual, wanted)
    except RecordRejected:
        return
    if not found:
        assert order_change(state, wanted, "Reason") is None


def test_a_line_without_an_address_is_compared_by_its_other_values() -> None:
    """A picked-up line has a location; an address that the tenant shows for it is its own."""
    wanted = wanted_order(groups=(PICKUP,), lines=(line_of("1", group_id="8"),))
    assert "ShipToAddress" not in wanted["OrderLine"][0]
    actual = copy.deepcopy(wanted)
    actual["OrderLine"][0]["ShipToAddress"] = {"Address": {"City": "Waco"}}
    assert compared(actual, wanted) == (wanted, [])
    actual["OrderLine"][0]["Quantity"] = 5
    assert differences(actual, wanted) == [("quantity", "1", "2", "5")]


@pytest.mark.parametrize("value", ["Waco", 7, ["Waco"], True])
@pytest.mark.parametrize("name", ["ShipToAddress", "Address"])
def test_an_address_that_is_no_object_is_a_rejection(name: str, value: Any) -> None:
    """The tenant's answer can't be compared, which must not look like an order in step."""
    wanted = wanted_order()
    actual = copy.deepcopy(wanted)
    holder = actual["OrderLine"][0]
    (holder if name == "ShipToAddress" else holder["ShipToAddress"])[name] = value
    with pytest.raises(RecordRejected) as caught:
        compared(actual, wanted)
    assert caught.value.problems[0].code == "oms_payload_unreadable"
