"""A seed's orders, in its one form, are orders of a commercetools project that add up there."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from sandbox.app import RunningSandbox
from sandbox.seed import bulk, registered, synthetic_seed
from sandbox.seed.load import post
from sandbox.seed.seedset import SeedSet
from tests.sandbox.simulated_project import Project

Json = dict[str, Any]
DAY = date(2026, 3, 4)


@pytest.fixture
def project(sandbox: RunningSandbox) -> Project:
    """Return a project that no other test uses."""
    return Project(sandbox.url, f"p{uuid4().hex[:10]}")


@pytest.fixture
def seed() -> SeedSet:
    """Return orders of every shape, without dirt."""
    return synthetic_seed.seed_set(150, 11, DAY, 1)


@pytest.fixture
def loaded(project: Project, seed: SeedSet, sandbox: RunningSandbox) -> list[Json]:
    """Post the seed to a project, and return its orders."""
    counts = post(sandbox.url, f"commercetools/{project.name}", f"extensiv/{project.name}", seed)
    assert (counts["orders"], counts["refused"]) == (150, 0)
    orders: list[Json] = project.query(limit=500).json()["results"]
    return orders


def cents(price: Json | None) -> int:
    """Return an amount in minor units; nothing is none."""
    return int(price["centAmount"]) if price is not None else 0


def test_orders_add_up_and_cost_what_the_seed_says(loaded: list[Json], seed: SeedSet) -> None:
    """Lines, custom lines and shipping come to the total, with taxes as stated."""
    given = {str(order["id"]): order for order in seed.documents()}
    assert {order["orderNumber"] for order in loaded} == given.keys()
    for order in loaded:
        infos = [entry["shippingInfo"] for entry in order["shipping"]]
        infos += [order["shippingInfo"]] if order.get("shippingInfo") else []
        parts = [each["totalPrice"] for each in (*order["lineItems"], *order["customLineItems"])]
        assert sum(map(cents, [*parts, *(info["price"] for info in infos)])) == cents(
            order["totalPrice"]
        ), order["orderNumber"]
        source = given[order["orderNumber"]]
        digits = order["totalPrice"]["fractionDigits"]
        taxed = order.get("taxedPrice")
        total = taxed["totalGross"] if taxed else order["totalPrice"]
        assert Decimal(cents(total)).scaleb(-digits) == Decimal(source["total_inc_tax"])
        assert cents(taxed and taxed["totalTax"]) == Decimal(source["total_tax"]).scaleb(digits)


def test_discounts_of_units_explain_a_lines_total(loaded: list[Json]) -> None:
    """Also if they can't be divided evenly."""
    lines = [line for order in loaded for line in order["lineItems"]]
    discounted = [line for line in lines if line["discountedPricePerQuantity"]]
    assert any(len(line["discountedPricePerQuantity"]) == 2 for line in discounted)
    for line in discounted:
        parts = line["discountedPricePerQuantity"]
        assert sum(part["quantity"] for part in parts) == line["quantity"]
        sums = [p["quantity"] * cents(p["discountedPrice"]["value"]) for p in parts]
        assert sum(sums) == cents(line["totalPrice"])
        for part in parts:
            price = part["discountedPrice"]
            off = sum(cents(d["discountedAmount"]) for d in price["includedDiscounts"])
            assert off == cents(line["price"]["value"]) - cents(price["value"])


def test_every_shape_of_the_seed_is_there(loaded: list[Json]) -> None:
    """Several addresses, pick-ups, downloads, certificates, gift wrap, fees, notes, all states."""
    assert {order["shippingMode"] for order in loaded} == {"Single", "Multiple"}
    methods = [(order.get("shippingInfo") or {}).get("shippingMethodName") for order in loaded]
    assert "Collect in store" in methods
    assert None in methods
    slugs = {item["slug"] for order in loaded for item in order["customLineItems"]}
    assert slugs == {"handling", "gift-wrap", "gift-certificate", "fee"}
    assert {order["orderState"] for order in loaded} == {
        "Open",
        "Confirmed",
        "Complete",
        "Cancelled",
    }
    assert any("customerMessage" in order.get("custom", {}).get("fields", {}) for order in loaded)
    for order in loaded:
        keys = {entry["shippingKey"] for entry in order["shipping"]}
        for line in order["lineItems"] if keys else ():
            [target] = line["shippingDetails"]["targets"]
            assert target["shippingMethodKey"] in keys


def test_a_seed_that_is_posted_again_changes_nothing(
    project: Project, seed: SeedSet, loaded: list[Json], sandbox: RunningSandbox
) -> None:
    """Orders and products are found by their ids."""
    products = project.query("/product-projections", limit=500).json()["count"]
    counts = post(sandbox.url, f"commercetools/{project.name}", f"extensiv/{project.name}", seed)
    assert counts["refused"] == 0
    assert project.query(limit=500).json()["results"] == loaded
    assert project.query("/product-projections", limit=500).json()["count"] == products


def test_what_the_vendor_has_no_form_for_is_refused(
    project: Project, seed: SeedSet, sandbox: RunningSandbox
) -> None:
    """An amount or a date that is not one: only that order is left out, with the reason."""
    good, price, day = list(seed.documents())[:3]
    price["products"][0]["base_price"] = "2,55"
    day["date_created"] = "soon"
    seed.documents = lambda: iter([good, price, day])
    counts = post(sandbox.url, f"commercetools/{project.name}", f"extensiv/{project.name}", seed)
    assert (counts["orders"], counts["refused"]) == (1, 2)
    reasons = " ".join(refused.reason for refused in seed.unreadable)
    assert "base_price: '2,55' is not an amount" in reasons
    assert "date_created: 'soon' is not a date" in reasons


def test_small_orders_and_live_traffic_are_taken_too(project: Project) -> None:
    """Orders without an id get a number; a merchant changes and cancels them in the seed's form."""
    stock = synthetic_seed.standard_catalogue()
    [small] = bulk.orders(1, 3, DAY, 1, stock)
    del small["id"]
    [order_id] = project.set("seed/orders", [small])["ids"]
    project.set(f"seed/orders/{order_id}", {"customer_message": "Ring twice"}, "PATCH")
    project.set(f"seed/orders/{order_id}/status", {"status_id": 5})
    order = project.order(order_id)
    assert order["custom"]["fields"]["customerMessage"] == "Ring twice"
    assert (order["orderState"], order["orderNumber"]) == ("Cancelled", "5000001")


def test_registered_customers_have_their_addresses(project: Project) -> None:
    """Under ids that stay, so that a second seed changes them and adds none."""
    rows = registered.customers(8, 5)
    ids = project.set("seed/customers", rows)["ids"]
    assert project.set("seed/customers", rows)["ids"] == ids
    truth = {each["id"]: each for each in project.set("truth", None, "GET")["customers"]}
    assert truth.keys() == set(ids)
    for identifier, row in zip(ids, rows, strict=True):
        assert truth[identifier]["email"] == row["email"]
        assert [city for _, city in truth[identifier]["addresses"]] == [
            address["city"] for address in row["addresses"]
        ]
