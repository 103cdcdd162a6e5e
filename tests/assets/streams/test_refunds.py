"""Refunds in the store, before and after the order went to the OMS, through the whole chain."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.assets.documents import order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
AT_OMS = 4
"""Where the OMS's counts begin among the effects; the merchant's own are before."""


def refund(scene: Scene, document: Json, *units: int, status: int = 14) -> None:
    """Let a merchant refund units of an order's lines; prices and totals stay as they were."""
    refunded = [
        {"id": line["id"], "quantity_refunded": number}
        for line, number in zip(document["products"], units, strict=True)
    ]
    change = {"products": refunded, "status_id": status}
    scene.to_store(f"orders/{document['id']}", change, "PATCH")


def units_at_oms(scene: Scene, number: int) -> list[tuple[str, int]]:
    """Return SKU and units of each line that the tenant would ship."""
    lines = scene.oms_order(number)["OrderLine"]
    return [(line["ItemId"], line["Quantity"]) for line in lines if line["Quantity"]]


def test_refunded_units_are_left_out_before_export_and_canceled_after_it(scene: Scene) -> None:
    """One unit of a line, a whole line and a whole order."""
    before, after, line, whole = (order(number, scene.moment()) for number in range(1, 5))
    scene.place(before, after, line, whole)
    refund(scene, before, 1, 0, status=11)
    scene.run("orders")
    assert units_at_oms(scene, 1) == [("MUG", 1), ("LAMP", 1)]
    assert Decimal(scene.oms_orders()["1"]["saved_total"]) == 25

    refund(scene, after, 1, 0)
    refund(scene, line, 0, 1)
    refund(scene, whole, 2, 1, status=4)
    scene.run("orders")
    assert units_at_oms(scene, 2) == [("MUG", 1), ("LAMP", 1)]
    assert units_at_oms(scene, 3) == [("MUG", 2)]
    assert scene.oms_order(4)["IsCancelled"] is True
    assert scene.open_rejections("orders") == {}

    saved = scene.effects()
    scene.run("orders")
    assert scene.effects() == saved, "and a rerun sends nothing twice"


def test_a_refund_of_what_has_shipped_changes_nothing_and_warns(scene: Scene) -> None:
    """The warning is stored with the record."""
    document = order(1, scene.moment())
    scene.place(document)
    scene.run("orders")
    sent = scene.effects()[AT_OMS:]
    shipped = [
        {"id": line["id"], "quantity_shipped": line["quantity"]} for line in document["products"]
    ]
    scene.to_store("orders/1", {"products": shipped}, "PATCH")
    refund(scene, document, 2, 1, status=4)
    scene.run("orders")
    assert scene.effects()[AT_OMS:] == sent
    assert units_at_oms(scene, 1) == [("MUG", 2), ("LAMP", 1)]
    codes = scene.sql(
        """SELECT DISTINCT w ->> 'code' FROM sync.record, jsonb_array_elements(warnings) w
           WHERE stream = 'orders'"""
    )
    assert codes == [("refunded_after_shipping",)]


def test_a_refund_that_comes_too_late_is_a_rejection(scene: Scene) -> None:
    """The warehouse has released the order: the operator sees that the OMS ships it."""
    document = order(1, scene.moment())
    scene.place(document)
    scene.run("orders")
    scene.to_oms("advance", {"to": "release"})
    refund(scene, document, 2, 1, status=4)
    scene.run("orders")
    assert set(scene.open_rejections("orders")) == {"1"}
    assert units_at_oms(scene, 1) == [("MUG", 2), ("LAMP", 1)]


def test_an_order_that_is_owed_goes_out_without_what_was_refunded_since(scene: Scene) -> None:
    """The OMS was down; the status has moved on to partially refunded, refunded or shipped."""
    part, whole, shipped = (order(number, scene.moment()) for number in (1, 2, 3))
    scene.place(part, whole, shipped)
    scene.run("orders", steps=("captured", "validated"))
    refund(scene, part, 1, 0)
    refund(scene, whole, 2, 1, status=4)
    lines = [
        {"id": line["id"], "quantity_shipped": line["quantity"]} for line in shipped["products"]
    ]
    scene.to_store("orders/3", {"products": lines, "status_id": 2}, "PATCH")
    scene.run("orders")
    assert set(scene.oms_orders()) == {"1"}
    assert units_at_oms(scene, 1) == [("MUG", 1), ("LAMP", 1)]
    outcomes = scene.outcomes("orders")
    assert outcomes["2"] == ("skipped", "refunded_before_export")
    assert outcomes["3"] == ("skipped", "shipped_before_export")


def test_orders_without_cents_and_with_thousandths_are_sent_and_reduced_exactly(
    scene: Scene,
) -> None:
    """Yen and dinars, whole and after units were refunded; a rerun finds no difference."""
    amounts = {1: ("JPY", "143", "500"), 2: ("KWD", "1.234", "0.750")}
    for number, (currency, price, shipping) in amounts.items():
        document = order(number, scene.moment(), currency_code=currency)
        document["default_currency_code"] = currency
        for line in document["products"]:
            line |= {"price_ex_tax": price, "price_inc_tax": price}
        for address in document["shipping_addresses"]:
            address |= {"cost_ex_tax": shipping, "cost_inc_tax": shipping}
        scene.place(document)
    scene.run("orders")
    assert scene.open_rejections("orders") == {}
    totals = {key: Decimal(row["saved_total"]) for key, row in scene.oms_orders().items()}
    assert totals == {"1": 3 * 143 + 500, "2": 3 * Decimal("1.234") + Decimal("0.750")}
    currencies = [scene.oms_order(number)["CurrencyCode"] for number in amounts]
    assert currencies == ["JPY", "KWD"]
    prices = [Decimal(str(scene.oms_order(n)["OrderLine"][0]["UnitPrice"])) for n in amounts]
    assert prices == [143, Decimal("1.234")]

    for number in amounts:
        lines = [{"id": number * 100 + 1, "quantity_refunded": 1}]
        scene.to_store(f"orders/{number}", {"products": lines, "status_id": 14}, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == {}
    assert [units_at_oms(scene, number) for number in amounts] == [[("MUG", 1), ("LAMP", 1)]] * 2
    saved = scene.effects()
    scene.run("orders")
    assert scene.effects() == saved
