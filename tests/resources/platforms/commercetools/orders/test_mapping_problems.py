"""Orders of commercetools that can't be sent as they are: what is reported, under which path."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.resources.platforms.commercetools.projects import (
    cents,
    mapped,
    order,
    rejected,
    warnings,
)
from tests.sandbox.simulated_project import ADDRESS

Json = dict[str, Any]
D = Decimal


@pytest.mark.parametrize(
    ("line", "changes", "code", "field"),
    [
        (0, {"id": None}, "line_id_missing", "id"),
        (0, {"id": ""}, "line_id_missing", "id"),
        (1, {"variant": {"sku": "LAMP\u0007"}}, "sku_invalid", "variant.sku"),
        (1, {"variant": {"sku": "L" * 256}}, "sku_too_long", "variant.sku"),
        (1, {"variant": None}, "sku_missing", "variant.sku"),
    ],
)
def test_a_line_without_what_identifies_it_is_a_problem_of_that_line(
    line: int, changes: Json, code: str, field: str
) -> None:
    """And the only one: sums of an order that can't be read are not compared."""
    document = order()
    document["lineItems"][line] |= changes
    problems = rejected(document)
    assert {c: p.field for c, p in problems.items()} == {code: f"lineItems[{line}].{field}"}


def test_two_lines_of_one_id_are_a_problem_of_the_second() -> None:
    """The OMS would take them for one line."""
    document = order()
    first, second = document["lineItems"]
    second["id"] = first["id"]
    problem = rejected(document)["line_id_duplicate"]
    assert (problem.field, problem.value) == ("lineItems[1].id", first["id"])


def test_an_order_without_lines_or_id_is_rejected() -> None:
    """There is nothing to fulfil, or nothing to call it by."""
    assert rejected(order(lineItems=[]))["order_without_lines"].field == "lineItems"
    assert {c: p.field for c, p in rejected(order() | {"id": None}).items()} == {"id_missing": "id"}


@pytest.mark.parametrize("name", ["lineItems", "payments"])
def test_an_entry_that_is_null_is_ignored(name: str) -> None:
    """The others of its list are mapped as without it."""
    document = order()
    payments = document["paymentInfo"]["payments"]
    payments[0]["obj"]["id"] = "p0"
    entries = payments if name == "payments" else document[name]
    expected = mapped(document)
    entries.insert(0, None)
    assert mapped(document) == expected


def _discounted(portions: Any, total: str) -> Json:
    """Return an order whose first line, 3 x 10.00, has these discounts on each unit."""
    document = order(payments=[])
    price = {"value": cents(D(total) / 3), "includedDiscounts": portions}
    document["lineItems"][0] |= {
        "discountedPricePerQuantity": [None, {"quantity": 3, "discountedPrice": price}],
        "totalPrice": cents(total),
    }
    for holder in (document, *document["lineItems"], document["shippingInfo"]):
        holder["taxedPrice"] = None
        holder.pop("taxRate", None)
    return document | {"totalPrice": cents(D(total) + 15)}


def _portion(name: str, amount: str) -> Json:
    return {"discount": {"typeId": "cart-discount", "id": name}, "discountedAmount": cents(amount)}


def test_what_discounts_are_rounded_by_goes_to_the_largest() -> None:
    """So the line's total is exact: 3 x (1.33 + 0.33) is 4.98, and 5.00 are taken off."""
    document = _discounted([_portion("small", "0.33"), None, _portion("big", "1.33")], "25.00")
    line = mapped(document).lines[0]
    assert {d.discount_id: d.amount for d in line.discounts} == {
        "small": D("0.99"),
        "big": D("4.01"),
    }


def test_what_no_discount_explains_is_rounding_or_a_mismatch() -> None:
    """Up to half a cent for each unit, and half a cent for the line."""
    [discount] = mapped(_discounted([], "29.98")).lines[0].discounts
    assert (discount.discount_id, discount.amount) == ("rounding", D("0.02"))
    problem = rejected(_discounted([], "29.97"))["discount_mismatch"]
    assert problem.field == "lineItems[0].discountedPricePerQuantity"
    assert "a difference of 0.03" in problem.message


def test_a_discount_that_raises_the_price_is_rejected() -> None:
    """An OMS would take its amount off."""
    problem = rejected(_discounted([_portion("up", "-1.00")], "33.00"))["discount_negative"]
    assert (problem.field, problem.value) == (
        "lineItems[0].discountedPricePerQuantity",
        "-3.00",
    )


def test_a_total_that_the_store_was_given_decides_about_the_units_price() -> None:
    """Price mode ExternalTotal: 3 units for 10.00 are 3.3333 each, and no discount."""
    document = _discounted([], "10.00")
    document["lineItems"][0]["priceMode"] = "ExternalTotal"
    line = mapped(document).lines[0]
    assert (line.unit_price, line.line_total, line.discounts) == (D("3.3333"), D("10.00"), ())


@pytest.mark.parametrize(
    ("money", "amount"),
    [
        ({"currencyCode": "USD", "centAmount": 1000}, "10.00"),
        (
            {
                "type": "highPrecision",
                "currencyCode": "USD",
                "centAmount": 1000,
                "fractionDigits": 5,
            },
            "10.00",
        ),
    ],
)
def test_an_amount_without_its_digits_has_those_of_its_currency(money: Json, amount: str) -> None:
    """Also one of high precision whose precise amount is missing: the digits are not the cents'."""
    document = order()
    document["lineItems"][1]["price"]["value"] = money
    assert mapped(document).lines[1].unit_price == D(amount)


def test_a_total_below_zero_is_rejected_and_one_of_nothing_has_no_payment() -> None:
    """A refund is not an order."""
    lines = [{"sku": "A", "quantity": 1, "price": "0.00"}]
    free = order(lineItems=lines, shippingInfo=None, payments=[])
    assert mapped(free).payments == ()
    assert rejected(free | {"totalPrice": cents("-1.00")})["total_negative"].value == "-1.00"


@pytest.mark.parametrize(
    "changes", [{"type": "Refund"}, {"type": "CancelAuthorization"}, {"state": "Pending"}]
)
def test_a_transaction_that_does_not_say_how_an_order_was_paid_is_left_out(changes: Json) -> None:
    """The payment stays, with the transactions that do."""
    document = order()
    transactions = document["paymentInfo"]["payments"][0]["obj"]["transactions"]
    transactions.insert(0, transactions[0] | {"interactionId": "other"} | changes)
    [payment] = mapped(document).payments
    assert [event.reference for event in payment.transactions] == ["auth-1"]


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, ["auth-2"]),
        ({"state": "Pending"}, ["auth-1", "auth-2"]),
        ({"amount": cents("1.00")}, ["auth-1", "auth-2"]),
        ({"amount": None}, ["auth-1", "auth-2"]),
    ],
)
def test_an_authorisation_that_was_canceled_pays_for_nothing(
    changes: Json, left: list[str]
) -> None:
    """As a whole, and by one that succeeded: a later one counts."""
    document = order()
    transactions = document["paymentInfo"]["payments"][0]["obj"]["transactions"]
    [first] = transactions
    void = first | {"type": "CancelAuthorization", "interactionId": "void-1"}
    transactions += [void | changes, first | {"id": "t3", "interactionId": "auth-2"}]
    [payment] = mapped(document).payments
    assert [event.reference for event in payment.transactions] == left


def test_units_that_were_returned_in_the_store_are_a_warning() -> None:
    """Those that Lockstep has entered are known to the OMS."""
    items = [{"quantity": 2}, {"quantity": 1, "key": None}]
    document = order() | {"returnInfo": [{"items": items}]}
    problem = warnings(document)["returned_in_store"]
    assert problem.field == "returnInfo"
    assert problem.message.startswith("3 returned units")


@pytest.mark.parametrize(
    "target",
    [
        {"addressKey": "a-none", "quantity": 1, "shippingMethodKey": "none"},
        {"quantity": 1},
        {"addressKey": None, "quantity": 1, "shippingMethodKey": None},
    ],
)
def test_a_target_that_names_none_of_several_ways_of_shipping_is_a_problem(target: Json) -> None:
    """There is no main one that the units could go by."""
    ways = [
        {
            "shippingKey": key,
            "shippingAddress": {"key": f"a-{key}", "country": "US"},
            "shippingInfo": {"shippingMethodName": key, "price": "1.00"},
        }
        for key in ("express", "post")
    ]
    document = order(shippingMode="Multiple", shippingInfo=None, shipping=ways)
    for line in document["lineItems"]:
        line["shippingDetails"] = {"targets": [target | {"quantity": line["quantity"]}]}
    problem = rejected(document)["consignment_unknown"]
    assert problem.field == "lineItems[1].shippingDetails.targets"


@pytest.mark.parametrize(
    ("name", "code"),
    [("streetName", "street_missing"), ("city", "city_missing"), ("country", "country_missing")],
)
def test_only_the_address_that_is_shipped_to_has_to_be_whole(name: str, code: str) -> None:
    """A faulty billing address is a warning."""
    lacking = ADDRESS | {"streetNumber": "", name: ""}
    assert warnings(order(billingAddress=lacking))[code].field == f"billingAddress.{name}"
    assert rejected(order(shippingAddress=lacking))[code].field == f"shippingAddress.{name}"


def test_an_address_without_a_street_has_the_next_line_as_its_first() -> None:
    """As a PO box."""
    document = order()
    document["shippingAddress"] = document["shippingAddress"] | {
        "streetName": None,
        "streetNumber": None,
        "pOBox": "PO Box 7",
        "building": " ",
        "additionalAddressInfo": "Dock 2",
        "department": "Purchasing",
    }
    [group] = mapped(document).groups
    assert group.address is not None
    assert (group.address.line_1, group.address.line_2) == ("PO Box 7", "Dock 2, Purchasing")


def test_the_long_parts_of_an_address_are_reported_by_name() -> None:
    """One by one they are short enough; the OMS's lines that they make are not."""
    document = order()
    document["shippingAddress"] = document["shippingAddress"] | {
        "building": "b" * 600,
        "apartment": "a" * 600,
    }
    [problem] = rejected(document).values()
    assert (problem.code, problem.field) == (
        "malformed_value",
        "shippingAddress.additionalStreetInfo",
    )
    assert "1000 characters" in problem.message


@pytest.mark.parametrize(("name", "shown"), [("city", "city"), ("streetName", "streetName")])
def test_a_part_of_an_address_that_is_too_long_is_named(name: str, shown: str) -> None:
    """Of the billing address it is cut: nothing goes there, so that it rejects no order."""
    long = ADDRESS | {name: "x" * 1_001}
    assert rejected(order(shippingAddress=long))["malformed_value"].field == (
        f"shippingAddress.{shown}"
    )
    billed = order(billingAddress=long)
    assert warnings(billed)["billing_part_cut"].field == f"billingAddress.{shown}"
    assert "x" * 256 not in str(mapped(billed).billing)


def test_an_address_that_is_billed_and_shipped_to_is_cut_where_it_is_billed() -> None:
    """Whichever of the two is mapped first."""
    both = ADDRESS | {"city": "x" * 300}
    found = mapped(order(billingAddress=both, shippingAddress=both))
    [group] = found.groups
    assert group.address is not None
    assert (len(found.billing.city), len(group.address.city)) == (255, 300)
