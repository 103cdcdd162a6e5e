"""A new order: its sums, its parts, and what Anchanto has no place for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from domain.errors import RecordRejected
from domain.records.orders import Note, PaymentTransaction
from resources.oms.anchanto.orders.diff import compare_order, order_change, units_of
from resources.oms.anchanto.orders.mapping import OrderMapper
from tests.resources.oms.anchanto.samples import settings_of
from tests.resources.oms.manhattan.samples import EMAIL, PICKUP, SHIP, line_of, order_of

MAPPER = OrderMapper(settings_of())


def payload(**changes: Any) -> dict[str, Any]:
    """Return a new order."""
    return MAPPER.payload(order_of(**changes))


def refused(mapper: OrderMapper = MAPPER, **changes: Any) -> str:
    """Return the code of the rejection of an order."""
    with pytest.raises(RecordRejected) as rejected:
        mapper.payload(order_of(**changes))
    [problem] = rejected.value.problems
    assert problem.field
    assert problem.advice
    return problem.code


def test_an_order_has_the_stores_ids_lines_and_sums() -> None:
    """The sums add up to the total to the cent."""
    made = payload()
    assert (made["number"], made["external_id"], made["store_code"]) == ("T-1001", "1001", "WEB")
    assert (made["status"], made["shipped_via"]) == ("New", "seller")
    sums = {name: Decimal(str(value)) for name, value in made["totals"].items()}
    total = sums["subtotal"] - sums["discount"] + sums["shipping"] + sums["tax"]
    assert total == sums["paid"] == Decimal("54.04")
    assert [item["line_id"] for item in made["order_items"]] == ["1", "2"]
    assert made["order_items"][0] == {
        "line_id": "1", "sku": "SKU-1", "quantity": 2, "unit_price": 19.99, "selling_price": 18.99,
        "discount": 2.0, "tax": 3.13,
    }  # fmt: skip
    assert made["carrier"]["carrier_code"] == "Ground"
    assert made["shipping_address"]["state"] == "TX"
    assert made["payment"] == {
        "method": "Credit Card",
        "status": "authorized",
        "reference": "auth-9",
    }


def test_remarks_are_what_the_shopper_wrote() -> None:
    """Notes of the store's staff are not for the warehouse."""
    notes = (Note(kind="staff", text="VIP"), Note(kind="customer", text="Ring twice"))
    assert payload(notes=notes)["remarks"] == "Ring twice"
    assert "remarks" not in payload()
    made = payload(notes=notes, purchase_order="PO 4711")
    assert made["remarks"] == "Purchase order: PO 4711; Ring twice"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"hold": "Review"}, "hold_not_supported"),
        ({"groups": (SHIP, PICKUP)}, "pickup_not_supported"),
        ({"groups": (EMAIL,)}, "nothing_to_ship"),
        ({"groups": (SHIP, replace(SHIP, group_id="9"))}, "several_addresses"),
    ],
)
def test_what_anchanto_has_no_place_for_is_a_rejection(changes: dict[str, Any], code: str) -> None:
    """Each for its own reason."""
    assert refused(**changes) == code


def test_only_orders_that_the_seller_ships_pass() -> None:
    """By their shipping method, where the connection names those of the seller."""
    own = OrderMapper(settings_of(seller={"methods": ["UPS-GRND"]}))
    assert refused(own) == "not_shipped_by_seller"
    group = replace(SHIP, shipping_method="UPS-GRND")
    assert own.payload(order_of(groups=(group,)))["number"] == "T-1001"


def test_an_emailed_line_is_left_out_with_its_amount() -> None:
    """Anchanto ships, and the store sends such lines itself."""
    lines = (line_of("1", "A", "1", "5"), line_of("2", "B", "1", "7", group_id="9"))
    changes: dict[str, Any] = {"groups": (SHIP, EMAIL), "charges": (), "total": "12"}
    made = payload(lines=lines, **changes)
    assert units_of(made) == {"A": 1}
    assert made["totals"]["subtotal"] == 5.0


def test_only_what_the_store_decides_is_compared() -> None:
    """Amounts as text, other case, a longer postal code and another status make no difference."""
    wanted = payload()
    held = wanted | {"status": "Packed", "id": 7, "currency_code": None}
    held["totals"] = {name: f"{value:.4f}" for name, value in wanted["totals"].items()}
    address = wanted["shipping_address"]
    held["shipping_address"] = address | {"city": "AUSTIN", "zipcode": "78701-1234"}
    assert compare_order(held, wanted)[1] == []

    held["shipping_address"] = address | {"address1": "9 Else Street"}
    held["order_items"] = [wanted["order_items"][0] | {"quantity": 7}]
    state, found = compare_order(held, wanted)
    assert {(one.field, one.line_id) for one in found} == {
        ("quantity", "1"), ("", "2"), ("address", ""),
    }  # fmt: skip
    assert "Else" not in str([one.found for one in found])
    assert units_of(state) == {"SKU-1": 7}


def test_a_line_that_only_the_account_has_is_a_difference() -> None:
    """It would ship; one that is there twice is another line, too."""
    wanted = payload()
    first, second = wanted["order_items"]
    gift = {"line_id": "9", "sku": "GIFT", "quantity": 1}
    for added, name in ((gift, "9"), (first, "1#2"), ({"sku": "X", "quantity": 2}, "#2")):
        held = wanted | {"order_items": [first, second, added]}
        state, [one] = compare_order(held, wanted)
        assert (one.field, one.line_id, one.expected) == ("", name, "no such line")
        assert one.found == f"{added['quantity']} x {added['sku']}"
        assert state == wanted


def test_units_that_are_no_number_are_none() -> None:
    """Those of the other lines still count; the comparison names the line."""
    wanted = payload()
    first, second = wanted["order_items"]
    for odd in ("many", None, True, "NaN", [2]):
        held = wanted | {"order_items": [first | {"quantity": odd}, second]}
        assert units_of(held) == {"SKU-2": 1}
        [one] = compare_order(held, wanted)[1]
        assert (one.field, one.line_id) == ("quantity", "1")


def test_what_an_order_does_not_have_is_left_out() -> None:
    """Not sent as an empty value, which might mean something."""
    bare = payload(groups=(replace(SHIP, shipping_method=""),), payments=())
    assert not {"carrier", "payment", "remarks"} & bare.keys()
    assert "shipping_address" not in payload(groups=(replace(SHIP, address=None),))


def test_prices_with_tax_have_no_tax_beside_them() -> None:
    """It is in the prices, and the sums still come to the total."""
    lines = (line_of("1", "A", "2", "5"),)
    totals = payload(lines=lines, charges=(), tax_included=True, total="10")["totals"]
    assert (totals["subtotal"], totals["tax"], totals["discount"]) == (10.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("transactions", "expected"),
    [
        ([], {"status": "pending"}),
        ([("authorization", False)], {"status": "pending"}),
        ([("authorization", True)], {"status": "authorized", "reference": "r0"}),
        ([("authorization", True), ("settlement", False)],
         {"status": "authorized", "reference": "r0"}),
        ([("authorization", True), ("settlement", True)], {"status": "paid", "reference": "r1"}),
    ],
)  # fmt: skip
def test_a_payment_is_as_far_as_its_transactions_that_succeeded(
    transactions: list[tuple[Any, bool]], expected: dict[str, str]
) -> None:
    """The reference is that of the last of them; the largest payment stands for all."""
    events = tuple(
        PaymentTransaction(
            transaction_id=str(n), kind=kind, amount=Decimal(9), reference=f"r{n}", succeeded=done
        )
        for n, (kind, done) in enumerate(transactions)
    )
    [large] = order_of().payments
    small = replace(large, payment_id="p0", method="Gift Card", amount=Decimal(1))
    payments = (small, replace(large, transactions=events))
    assert payload(payments=payments)["payment"] == {"method": "Credit Card", **expected}


@pytest.mark.parametrize("held", [None, [], "x", {"order_items": 7}, {"order_items": [None]}])
def test_an_order_of_another_shape_can_t_be_compared(held: object) -> None:
    """It is no success and no crash."""
    with pytest.raises(RecordRejected):
        compare_order(held, payload())


def test_a_change_names_what_the_account_would_have_to_change() -> None:
    """Nothing is sent: it becomes a rejection that names the fields."""
    known, wanted = payload(), payload(lines=(line_of("1", "SKU-1", quantity="3"),))
    change = order_change(known, wanted, whole=False)
    assert change is not None
    assert change["number"] == "T-1001"
    items = change["order_items"]
    assert isinstance(items, list)
    assert [(item["line_id"], item["quantity"]) for item in items] == [("1", 3), ("2", 0)]
    assert order_change(known, known, whole=False) is None
    assert order_change(known, wanted, whole=True) == wanted
