"""Carts whose line items reserve stock (inventory mode ``ReserveOnCart``).

A reservation lowers what is available of an entry until the cart is given up or its time is over;
of a cart that is ordered it stays, as the order's. Source: raml/types/cart/InventoryMode.raml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.platforms.commercetools.documents import complete, new_id

if TYPE_CHECKING:
    from sandbox.platforms.commercetools.project import Project

Json = dict[str, Any]
OF_ORDERS = (
    "type", "orderState", "shipmentState", "paymentState", "syncInfo", "returnInfo", "completedAt",
)  # fmt: skip
"""Fields that orders have, and carts have not."""


def put_carts(project: Project, rows: list[Json]) -> Json:
    """Fill carts: [{lineItems: [{sku, quantity, channel?: key}]}]; each line reserves its units."""
    ids = []
    for row in rows:
        made = complete({"lineItems": row["lineItems"]}, project.clock.now())
        cart = {name: value for name, value in made.items() if name not in OF_ORDERS}
        cart |= {"cartState": "Active", "inventoryMode": "ReserveOnCart", "directDiscounts": []}
        cart["priceRoundingMode"] = "HalfEven"
        for line in cart["lineItems"]:
            line["reservation"] = {"typeId": "reservation", "id": new_id()}
            if key := line.pop("channel", None):
                found = project.channels.need(key, "key")["id"]
                line["supplyChannel"] = {"typeId": "channel", "id": found}
            _reserve(project, line, line["quantity"])
        project.keep(project.carts, cart, [], is_new=True)
        ids.append(cart["id"])
    return {"ids": ids}


def order_cart(project: Project, identifier: str) -> Json:
    """Order a cart: what it has reserved is the order's."""
    cart = project.carts.need(identifier)
    cart["cartState"] = "Ordered"
    return project.keep(project.carts, cart, [])


def expire_cart(project: Project, identifier: str) -> Json:
    """Let the time of a cart's reservations be over: the cart stays."""
    cart = project.carts.need(identifier)
    for line in cart["lineItems"]:
        del line["reservation"]
        _reserve(project, line, -line["quantity"])
    return project.keep(project.carts, cart, [])


def _reserve(project: Project, line: Json, units: int) -> None:
    channel = line.get("supplyChannel", {}).get("id", "")
    entry = project.inventory.need(project.entries[line["variant"]["sku"], channel])
    entry["availableQuantity"] -= units
    project.keep(project.inventory, entry, [])
