"""An order as the body of a new order: amounts by the vendor's rules, and what has no place."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from domain.errors import RecordRejected
from domain.records.orders import Charge, ChargeKind, Discount, LineKind, Note, Order
from resources.oms.extensiv.orders.diff import compare_order, order_change, units_of
from resources.oms.extensiv.orders.mapping import OrderMapper
from sandbox.oms.extensiv.envelope import Refused
from sandbox.oms.extensiv.validation import checked
from tests.resources.oms.extensiv.samples import settings_of
from tests.resources.oms.manhattan.samples import ADDRESS, EMAIL, PICKUP, SHIP, line_of, order_of

MAPPER = OrderMapper(settings_of())


def payload(**changes: Any) -> dict[str, Any]:
    """Map an order, and check its amounts by the vendor's rules."""
    mapped = MAPPER.payload(order_of(**changes))
    assert checked(mapped, check_money=True) is mapped
    return mapped


def test_amounts_add_up_by_the_vendors_rules() -> None:
    """Discounts of lines are in the order's; taxes of charges keep lines from stating theirs."""
    mapped = payload()
    assert (mapped["sub_total"], mapped["order_discount"]) == (45.08, 2.0)
    assert (mapped["sales_tax"], mapped["shipping_handling"]) == (3.96, 7.0)
    assert mapped["grand_total"] == 54.04
    assert [item.get("addl_discount") for item in mapped["items"]] == [2.0, None]
    assert not any("tax" in item for item in mapped["items"])


@pytest.mark.parametrize(
    ("zone", "date"),
    [
        ("UTC", "2026-03-05"),
        ("America/Los_Angeles", "2026-03-04"),
        ("Asia/Tokyo", "2026-03-05"),
    ],
)
def test_an_orders_date_is_that_of_its_day_where_the_merchant_is(zone: str, date: str) -> None:
    """An order of the evening is of that day, though it is the next one in UTC."""
    mapper = OrderMapper(settings_of(order_time_zone=zone))
    moment = datetime(2026, 3, 5, 3, 30, tzinfo=UTC)
    assert mapper.payload(order_of(ordered_at=moment))["order_date"] == date


def test_lines_state_their_taxes_where_these_are_all_of_it() -> None:
    """As the vendor requires."""
    charge = Charge(charge_id="s", kind=ChargeKind.SHIPPING, amount=Decimal(7), group_id="7")
    mapped = payload(charges=(charge,), total="53.63", total_tax="3.55")
    assert [item["tax"] for item in mapped["items"]] == [3.13, 0.42]


def test_taxes_in_prices_are_not_added_again() -> None:
    """They are stated for information only."""
    mapped = payload(tax_included=True, total="50.08", total_tax="3.96")
    assert (mapped["sales_tax"], mapped["grand_total"]) == (0.0, 50.08)
    assert mapped["extra_fields"] == {"tax_in_prices": 3.96}


@pytest.mark.parametrize(
    ("total", "name"), [("54.05", "shipping_handling"), ("54.03", "order_discount")]
)
def test_what_rounding_leaves_over_is_in_the_sums(total: str, name: str) -> None:
    """The grand total is the store's own, to the cent."""
    assert payload(total=total)["grand_total"] == float(total)
    assert payload(total=total)[name] == pytest.approx(payload()[name] + 0.01)


def test_an_address_has_its_country_in_three_letters() -> None:
    """Or in two, by setting; the state without the country."""
    mapped = payload()
    assert (mapped["ship_country"], mapped["ship_state"]) == ("USA", "TX")
    assert mapped["cust_e_mail"] == "ada@example.com"
    other = OrderMapper(settings_of(country_form="alpha_2")).payload(order_of())
    assert other["ship_country"] == "US"


def test_references_and_texts_reach_the_account() -> None:
    """Ids of order and lines, the authorisation, the shopper's words; not the staff's."""
    notes = (Note(kind="customer", text="Ring twice"), Note(kind="staff", text="VIP"))
    lines = (line_of("1", texts=("Engrave: A",), gift_message="Hi"),)
    mapped = MAPPER.payload(order_of(notes=notes, lines=lines))
    assert (mapped["cust_ref"], mapped["cust_po_no"], mapped["custom_field_1"]) == (
        "T-1001",
        "1001",
        "1001",
    )
    assert (mapped["shipping_instructions"], mapped["gift_message"]) == ("Ring twice", "Hi")
    assert mapped["items"][0]["line_comment"] == "Engrave: A"
    assert (mapped["pay_type"], mapped["pre_auth_code"]) == ("Credit Card", "auth-9")
    assert "VIP" not in str(mapped)


def test_a_business_finds_its_own_number_and_the_node_that_ships() -> None:
    """The number takes the place of the store's, which ``cust_ref`` has, too."""
    lines = tuple(replace(line, node="DC-1") for line in order_of().lines)
    mapped = payload(purchase_order="PO 4711", lines=lines)
    assert (mapped["cust_ref"], mapped["cust_po_no"]) == ("T-1001", "PO 4711")
    assert mapped["location"] == "DC-1"
    assert "location" not in payload()
    [difference] = compare_order(orjson.dumps(mapped | {"location": "DC-2"}), mapped)[1]
    assert (difference.field, difference.found) == ("delivery", "DC-2")
    other = OrderMapper(settings_of(ship_from_field="custom_field_2"))
    assert other.payload(order_of(lines=lines))["custom_field_2"] == "DC-1"


def test_lines_that_are_emailed_are_left_out_with_their_amounts() -> None:
    """The warehouse has nothing to do for them."""
    digital = line_of("3", "GIFT", "1", "50.00", group_id="9", kind=LineKind.GIFT_CERTIFICATE)
    lines = (*order_of().lines, digital)
    mapped = payload(groups=(SHIP, EMAIL), lines=lines, total="104.04")
    assert [item["item"] for item in mapped["items"]] == ["SKU-1", "SKU-2"]
    assert mapped["grand_total"] == 54.04


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"groups": (SHIP, replace(SHIP, group_id="8"))}, "several_addresses"),
        ({"groups": (SHIP, PICKUP)}, "pickup_not_supported"),
        ({"groups": (EMAIL,)}, "nothing_to_ship"),
        ({"hold": "Review"}, "hold_not_supported"),
    ],
)
def test_what_has_no_place_is_a_rejection_that_says_what_to_do(
    changes: dict[str, Any], code: str
) -> None:
    """And is never left out in silence."""
    with pytest.raises(RecordRejected) as rejected:
        MAPPER.payload(order_of(**changes))
    [problem] = rejected.value.problems
    assert problem.code == code
    assert problem.advice


def test_what_an_order_lacks_is_left_out_and_not_guessed() -> None:
    """No code of a way of shipping, no name, no authorisation: each has no field."""
    payment = replace(order_of().payments[0], transactions=(), method="")
    order = order_of(
        groups=(replace(SHIP, shipping_method=None),),
        lines=(line_of("1", name=""), line_of("2", name="Anvil")),
        payments=(payment,),
    )
    mapped = OrderMapper(settings_of(source_id_field=None)).payload(order)
    assert not {"ship_code", "custom_field_1", "pre_auth_code", "pre_auth_amt"} & mapped.keys()
    assert mapped["pay_type"] == "card"
    assert "pay_type" not in MAPPER.payload(order_of(payments=()))
    assert [item.get("description") for item in mapped["items"]] == [None, "Anvil"]


def test_an_order_without_an_address_does_not_go_to_the_billing_address() -> None:
    """The account refuses it, so that an operator looks at it."""
    mapped = MAPPER.payload(order_of(groups=(replace(SHIP, address=None),)))
    assert not [name for name in mapped if name.startswith("ship_") and name != "ship_code"]
    with pytest.raises(Refused, match="ship_address_1 is required"):
        checked(mapped, check_money=True)


def held(order: Order, **changes: Any) -> bytes:
    """Return an order as the account would show it."""
    return orjson.dumps(MAPPER.payload(order) | changes)


def test_only_what_the_store_decides_is_a_difference() -> None:
    """Money as text, other spacing and cases, and the post's four digits more are none."""
    order = order_of(discounts=(Discount(discount_id="1", amount=Decimal("0.01")),), total="54.03")
    wanted = MAPPER.payload(order)
    same = {"grand_total": "54.03", "ship_city": " AUSTIN ", "ship_zip": "78701-1234"}
    assert compare_order(held(order, **same, order_status="new"), wanted) == (wanted, [])
    moved = replace(order, groups=(replace(SHIP, address=replace(ADDRESS, city="Dallas")),))
    state, found = compare_order(held(moved), wanted)
    assert [(one.field, one.found, one.can_repair) for one in found] == [
        ("address", "differs in ship_city", False)
    ]
    assert "Dallas" not in str(found)
    assert order_change(state, wanted, whole=False) == {"cust_ref": "T-1001", "ship_city": "Austin"}
    assert units_of(wanted) == {"SKU-1": Decimal(2), "SKU-2": Decimal(1)}


@pytest.mark.parametrize(
    ("changes", "city", "state", "postcode"),
    [
        ({}, "Austin", "TX", "78701"),
        ({"country": "SG", "city": "", "subdivision": "", "subdivision_name_raw": "",
          "postcode": "238801"}, "Singapore", "Singapore", "238801"),
        ({"country": "AE", "city": "", "subdivision": "AE-DU", "subdivision_name_raw": "Dubai",
          "postcode": ""}, "Dubai", "DU", "00000"),
        ({"country": "HK", "city": "", "subdivision": "Kowloon", "subdivision_name_raw": "Kowloon",
          "postcode": ""}, "Kowloon", "Kowloon", "00000"),
        ({"country": "GB", "city": "", "subdivision": "", "subdivision_name_raw": "",
          "postcode": "BFPO 57"}, "BFPO", "BFPO", "BFPO 57"),
        ({"country": "FR", "city": "Paris", "subdivision": "", "subdivision_name_raw": "",
          "postcode": "75001"}, "Paris", "Paris", "75001"),
        ({"country": "QA", "city": "Doha", "subdivision": "", "subdivision_name_raw": "",
          "postcode": "22201"}, "Doha", "Doha", "22201"),
    ],
)  # fmt: skip
def test_what_the_vendor_requires_is_stated_where_a_country_has_none(
    changes: dict[str, str], city: str, state: str, postcode: str
) -> None:
    """A city state has no city, emirates no postal codes; billing addresses stay as they are."""
    place = replace(ADDRESS, **changes)
    mapped = payload(groups=(replace(SHIP, address=place),), billing=place)
    found = [mapped["ship_city"], mapped["ship_state"], mapped["ship_zip"]]
    assert found == [city, state, postcode]
    assert (mapped.get("cust_city", ""), mapped.get("cust_zip", "")) == (place.city, place.postcode)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"country": "DE", "city": ""}, "ship_city"), ({"country": "DE", "postcode": ""}, "ship_zip")],
)
def test_what_a_country_needs_is_not_made_up(changes: dict[str, str], field: str) -> None:
    """The account refuses it, where the connection's rules let it through."""
    place = replace(ADDRESS, **changes)
    mapped = MAPPER.payload(order_of(groups=(replace(SHIP, address=place),)))
    with pytest.raises(Refused, match=f"{field} is required"):
        checked(mapped, check_money=True)
