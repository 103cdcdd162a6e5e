"""The amounts of every order document agree, whatever the order contains."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import phonenumbers
from hypothesis import given
from hypothesis import strategies as st

from sandbox.seed import bulk, synthetic
from sandbox.seed.amounts import CENT, parse, spread, taxed, to_text
from sandbox.seed.catalogue import Catalogue, catalogue
from sandbox.seed.documents import order_document
from sandbox.seed.drafts import Address, Discount, Draft, Line
from sandbox.seed.shoppers import COUNTRIES, shopper

CHARGES = ("shipping_cost", "handling_cost", "wrapping_cost")
CATALOGUE = catalogue(60, seed=1)
MONEY = st.decimals("0.01", "9999.99", places=2)


def gap(document: dict[str, Any], basis: str) -> Decimal:
    """Return the total less the sum of its parts on one tax basis (``ex`` or ``inc``)."""
    parts = Decimal(document[f"subtotal_{basis}_tax"]) + sum(
        Decimal(document[f"{charge}_{basis}_tax"]) for charge in CHARGES
    )
    parts += sum(Decimal(fee[f"cost_{basis}_tax"]) for fee in document["fees"])
    return Decimal(document[f"total_{basis}_tax"]) - parts + discounts(document)


def discounts(document: dict[str, Any]) -> Decimal:
    """Return the order's discounts, coupons included."""
    return Decimal(document["discount_amount"]) + Decimal(document["coupon_discount"])


def adds_up(document: dict[str, Any]) -> bool:
    """Return whether every total of a document is the sum of its parts."""
    lines = document["products"]
    applied = sum(Decimal(part["amount"]) for line in lines for part in line["applied_discounts"])
    subtotals = all(
        sum(Decimal(line[f"total_{basis}_tax"]) for line in lines)
        == Decimal(document[f"subtotal_{basis}_tax"])
        for basis in ("ex", "inc")
    )
    tax = Decimal(document["total_inc_tax"]) - Decimal(document["total_ex_tax"])
    entries = sum(Decimal(entry["line_amount"]) for entry in document["taxes"]) + sum(
        Decimal(fee["cost_tax"]) for fee in document["fees"]
    )
    agree = tax == Decimal(document["total_tax"]) == entries and applied == discounts(document)
    return subtotals and agree and not gap(document, "ex") and not gap(document, "inc")


@given(
    st.lists(st.tuples(MONEY, st.integers(1, 20)), min_size=1, max_size=8),
    MONEY,
    MONEY,
    st.booleans(),
    st.integers(0, 90),
)
def test_totals_add_up_for_any_lines_discounts_and_tax_systems(
    goods: list[tuple[Decimal, int]],
    shipping: Decimal,
    handling: Decimal,
    inclusive: bool,
    percent: int,
) -> None:
    """Subtotals, charges, discounts and taxes give the total to the cent on both tax bases."""
    rates = (("A", Decimal("6.25")), ("B", Decimal("1.875")))
    lines = [
        Line(f"S{n}", "x", price, quantity, rates=rates, wrapping=CENT * n)
        for n, (price, quantity) in enumerate(goods)
    ]
    off = (
        sum((price * quantity for price, quantity in goods), Decimal(0)) * percent / 100
    ).quantize(CENT)
    at = datetime(2025, 3, 1, tzinfo=UTC)
    document = order_document(
        Draft(
            id=7,
            status=11,
            created=at,
            modified=at,
            currency="USD",
            inclusive=inclusive,
            billing={},
            lines=lines,
            addresses=[Address({"country": "X"}, "Post", shipping, handling, rates)],
            discounts=[
                Discount(off, "Sale"),
                Discount(off / 10 // CENT * CENT, "C", "CODE", line=0),
            ]
            if off
            else [],
            fees=[("Fee", CENT * 333, rates)],
        )
    )
    assert adds_up(document)


def test_generated_orders_add_up_and_repeat_for_the_same_seed() -> None:
    """Generated orders are consistent, and two runs give the same documents."""
    first, again = ([*synthetic.orders(400, 5, date(2025, 6, 1), 3, CATALOGUE)] for _ in range(2))
    assert first == again
    assert [order["id"] for order in first if not adds_up(order)] == []


def test_the_mix_contains_every_kind_of_order() -> None:
    """All countries, currencies, discounts, deliveries, payments and statuses occur."""
    orders = [*synthetic.orders(1500, 3, date(2025, 6, 1), 3, CATALOGUE)]
    assert {order["default_currency_code"] for order in orders} >= {
        "USD",
        "CAD",
        "GBP",
        "EUR",
        "BRL",
        "AUD",
        "JPY",
    }
    assert {order["status_id"] for order in orders} == {0, 1, 5, 6, 7, 10, 11, 12}
    kinds = {line["type"] for order in orders for line in order["products"]}
    assert kinds == {"physical", "digital", "giftcertificate"}
    for key in ("coupons", "fees", "pickups", "taxes", "transactions", "customer_message"):
        assert any(order[key] for order in orders), key
    for key in (
        "store_credit_amount",
        "gift_certificate_amount",
        "wrapping_cost_inc_tax",
        "handling_cost_inc_tax",
        "discount_amount",
    ):
        assert any(Decimal(order[key]) for order in orders), key
    assert any(order["currency_code"] != order["default_currency_code"] for order in orders)
    assert {len(order["shipping_addresses"]) for order in orders} == {0, 1, 2, 3}
    assert any(order["customer_id"] == 0 for order in orders)
    guests = [order for order in orders if not order["customer_id"]]
    assert any(Decimal(order["gift_certificate_amount"]) for order in guests)
    assert not any(Decimal(order["store_credit_amount"]) for order in guests), "they have none"


def test_phones_of_synthetic_shoppers_are_valid_in_their_country_or_missing() -> None:
    """Numbers are in national form, and a few shoppers have none."""
    people = [shopper(Random(n), country) for n in range(60) for country in COUNTRIES]
    given_numbers = [
        (person["phone"], person["country_iso2"]) for person in people if person["phone"]
    ]
    assert all(
        phonenumbers.is_valid_number(phonenumbers.parse(*number)) for number in given_numbers
    )
    assert 0.8 < len(given_numbers) / len(people) < 1


def test_the_payments_of_a_paid_order_are_its_total() -> None:
    """Transactions and store credit of an order awaiting fulfilment cover its total."""
    for order in synthetic.orders(300, 9, date(2025, 6, 1), 1, CATALOGUE):
        if order["status_id"] == 11:
            assert sum(Decimal(str(entry["amount"])) for entry in order["transactions"]) == Decimal(
                order["total_inc_tax"]
            )


def test_dirt_is_labelled_outside_the_documents() -> None:
    """Labels name the corrupted orders, every corruption occurs, and the other orders add up."""
    labels: dict[int, str] = {}
    orders = {
        order["id"]: order
        for order in synthetic.orders(
            2000, 2, date(2025, 6, 1), 3, CATALOGUE, dirt=0.1, labels=labels
        )
    }
    assert len(set(labels.values())) == 8
    assert all(adds_up(order) for number, order in orders.items() if number not in labels)
    assert not any(key in order for order in orders.values() for key in ("label", "expected"))
    for number, label in labels.items():
        if label == "total_mismatch":
            assert gap(orders[number], "inc") == gap(orders[number], "ex") == CENT


def test_bulk_orders_add_up_and_have_unique_ids() -> None:
    """Orders from one template share no ids, and their amounts agree."""
    orders = [*bulk.orders(1200, 4, date(2025, 6, 1), 2, CATALOGUE)]
    assert all(adds_up(order) for order in orders)
    for key in ("products", "shipping_addresses", "taxes", "transactions"):
        ids = [entry["id"] for order in orders for entry in order[key]]
        assert len(ids) == len(set(ids)), key
    for order in orders:
        addresses = {address["id"] for address in order["shipping_addresses"]}
        assert {line["order_address_id"] for line in order["products"]} <= addresses | {0}


def test_an_order_without_a_number_leaves_every_id_to_the_store() -> None:
    """Live traffic assigns no ids: lines refer to address and pick-up by position."""
    at, random = datetime(2025, 6, 1, tzinfo=UTC), Random(1)
    for _ in range(50):
        order = synthetic.order(random, CATALOGUE, at, None)
        entries = [
            entry
            for key in ("products", "shipping_addresses", "taxes", "transactions", "pickups")
            for entry in order[key]
        ]
        assert not any("id" in entry for entry in [order, *entries])
        assert all(
            line["address_index"] is None
            or line["address_index"] < len(order["shipping_addresses"])
            for line in order["products"]
        )


def test_the_catalogue_agrees_with_the_item_master_and_the_stock() -> None:
    """Every SKU that can be ordered is known to the OMS, and physical ones have stock."""
    made: Catalogue = catalogue(60, seed=1)
    skus = {article.sku for article in made.articles}
    # Gift certificates have no SKU in the store; the OMS's one covers all of them.
    assert {item["ItemId"] for item in made.items} == skus | {
        article.sku for article in made.downloads
    } | {"GIFT-CERTIFICATE"}
    assert {row["item"] for row in made.supply} == skus
    assert len(skus) == len(made.articles)


def test_a_share_of_nothing_is_nothing_and_shares_add_up() -> None:
    """A discount that no line can bear is not spread; otherwise no cent is lost."""
    assert spread(Decimal(1), [Decimal(0), Decimal(-3)], CENT) == [0, 0]
    assert sum(spread(Decimal("0.10"), [Decimal(1)] * 3, CENT)) == Decimal("0.10")


def test_inclusive_tax_is_taken_out_and_not_added() -> None:
    """120 with 20 percent inside is 100 without."""
    assert taxed(Decimal(120), (("VAT", Decimal(20)),), True, CENT).ex == 100


def test_a_text_that_is_not_an_amount_is_kept() -> None:
    """An unreadable price is kept unchanged, since an invented one would be delivered."""
    assert [to_text(parse(raw)) for raw in ("2,55", "", "nan", "-0", "1e2")] == [
        "2,55",
        "",
        "nan",
        "0.0000",
        "100.0000",
    ]
