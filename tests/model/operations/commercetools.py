"""What shoppers and the staff do at commercetools."""

from __future__ import annotations

from typing import Any

from sandbox.platforms.commercetools.documents import INITIAL
from sandbox.platforms.commercetools.seed_orders import order_of
from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.operations import neutral
from tests.model.operations.neutral import seed_of, store_order
from tests.model.operations.registry import NUMBER, PLACE, UNITS, among, at
from tests.model.operations.shoppers import PENDING, SKU, UNPAID
from tests.model.operations.shoppers import lines as drawn_lines
from tests.model.seeds import completed
from tests.model.world import STORE

operation = at("commercetools")
LINES = ("lineItems", "totalPrice")
Lines = list[tuple[str, int]]

operation("shopper", 3, number=NUMBER, lines=drawn_lines)(neutral.place)
operation("shopper", 1, number=NUMBER, lines=drawn_lines, status=among(PENDING, UNPAID))(
    neutral.place_unpaid
)


@operation("shopper", 1, number=NUMBER)
def pay(life: Life, number: int) -> None:
    """Pay for an order."""
    if store_order(life, number)["state"]["paymentState"] == "Paid":
        raise NotPossibleError
    change(life, number, {"orderState": "Confirmed", "paymentState": "Paid"})


operation("shopper", 1, number=NUMBER, units=UNITS)(neutral.place_unknown_item)
operation("shopper", 1, number=NUMBER, lines=drawn_lines)(neutral.place_unmapped_method)
operation("shopper", 1, number=NUMBER, lines=drawn_lines)(neutral.place_without_postcode)


@operation("shopper", 3, number=NUMBER, place=PLACE, units=UNITS)
def change_units(life: Life, number: int, place: int, units: int) -> None:
    """Order more or fewer units of a line."""
    products = seed_of(life, number)["products"]
    line = products[place % len(products)]
    if line["quantity"] == units or shipped_units(life, number):
        raise NotPossibleError
    _replace(life, number, [line_of(each, units if each is line else None) for each in products])


@operation("shopper", 1, number=NUMBER, sku=SKU, units=UNITS)
def add_line(life: Life, number: int, sku: str, units: int) -> None:
    """Add a line."""
    products = seed_of(life, number)["products"]
    life.facts.added[number] += 1
    new = number * 100 + 50 + life.facts.added[number]
    _replace(life, number, [*map(line_of, products), documents.line(new, sku, units)])


@operation("shopper", 1, number=NUMBER, place=PLACE)
def remove_line(life: Life, number: int, place: int) -> None:
    """Remove a line of several."""
    products = seed_of(life, number)["products"]
    if len(products) < 2 or shipped_units(life, number):
        raise NotPossibleError
    gone = products[place % len(products)]
    _replace(life, number, [line_of(each) for each in products if each is not gone])


@operation("shopper", 1, number=NUMBER, street=among("1 High Street", "2 Low Road"))
def move_house(life: Life, number: int, street: str) -> None:
    """Change the address."""
    seed = seed_of(life, number)
    seed["shipping_addresses"][0]["street_1"] = street
    change(life, number, {"shippingAddress": order_of(seed, STORE)["shippingAddress"]})


@operation("shopper", 1, number=NUMBER, text=among("Ring twice", "Leave it at the door"))
def write_message(life: Life, number: int, text: str) -> None:
    """Write a message with the order."""
    seed = seed_of(life, number)
    seed["customer_message"] = text
    path = f"seed/orders/{store_order(life, number)['id']}"
    life.world.to_store(path, {"customer_message": text}, "PATCH")


@operation("shopper", 2, number=NUMBER)
def cancel(life: Life, number: int) -> None:
    """Cancel an order."""
    if store_order(life, number)["canceled"]:
        raise NotPossibleError
    change(life, number, {"orderState": "Cancelled"})
    life.facts.decided[number] = 5
    life.facts.reopened.discard(number)


@operation("merchant", 1, number=NUMBER)
def reopen(life: Life, number: int) -> None:
    """Set an order to Confirmed (again)."""
    states = store_order(life, number)["state"]
    if states["orderState"] == "Confirmed":
        raise NotPossibleError
    life.open_again(number)
    change(life, number, {"orderState": "Confirmed"})
    life.facts.decided[number] = 11


@operation("merchant", 2, number=NUMBER, status=among(9, 3, 10, 2, 8))
def move_status(life: Life, number: int, status: int) -> None:
    """Move an order to a shipment state by hand."""
    state = {9: "Ready", 3: "Partial", 10: "Delivered", 2: "Shipped", 8: "Ready"}[status]
    if store_order(life, number)["state"]["shipmentState"] == state:
        raise NotPossibleError
    change(life, number, {"shipmentState": state})
    life.facts.decided[number] = status
    life.facts.reopened.discard(number)


@operation("merchant", 2, number=NUMBER, status=among(12, 13))
def suspect(life: Life, number: int, status: int) -> None:
    """Put an order into a shipment state that says something else than progress."""
    state = {12: "Delayed", 13: "Backorder"}[status]
    store_order(life, number)
    change(life, number, {"shipmentState": state})


@operation("merchant", 1, number=NUMBER)
def annotate(life: Life, number: int) -> None:
    """Change nothing that fulfilment needs."""
    life.world.to_store(f"orders/{store_order(life, number)['id']}/touch", {})


@operation("merchant", 1, sku=SKU, quantity=among(0, 5, 77))
def set_level(life: Life, sku: str, quantity: int) -> None:
    """Set a level in the store by hand."""
    life.world.to_store("stock", [{"sku": sku, "quantity": quantity}])
    life.facts.needs_repair = True


@operation("merchant", 1, sku=SKU, reserved=among(0, 2, 5))
def reserve(life: Life, sku: str, reserved: int) -> None:
    """Reserve units for carts and orders, which are on stock and not available."""
    levels = life.world.ask_store("truth")["levels"]
    found = next((level for level in levels if level["sku"] == sku), None)
    if found is None:
        raise NotPossibleError
    row = {"sku": sku, "quantity": found["available"] + reserved, "reserved": reserved}
    life.world.to_store("stock", [row])


@operation("world", 1)
def expire_sessions(life: Life) -> None:
    """Let all tokens of the store expire."""
    life.world.to_store("expire", {})


def change(life: Life, number: int, values: dict[str, Any]) -> None:
    """Change fields of an order as the merchant's tools do."""
    life.world.to_store(f"orders/{store_order(life, number)['id']}", values, "PATCH")


def shipped_units(life: Life, number: int) -> bool:
    """Return whether the store shows any parcel of an order."""
    return bool(store_order(life, number)["parcels"])


def line_of(each: dict[str, Any], units: int | None = None) -> dict[str, Any]:
    """Return a line again, with other units if they are given."""
    return documents.line(each["id"], each["sku"], units or each["quantity"])


def _replace(life: Life, number: int, products: list[dict[str, Any]]) -> None:
    seed = seed_of(life, number)
    items = life.world.store.orders.need(store_order(life, number)["id"])["lineItems"]
    if any(entry["state"]["id"] != INITIAL["id"] for item in items for entry in item["state"]):
        raise NotPossibleError  # a workflow has taken the units up
    given = {
        name: seed[name]
        for name in ("id", "status_id", "payment_method", "billing_address", "shipping_addresses")
    }
    made = completed(given | {"products": products}, life.world.clock.now())
    seed["products"], seed["total_inc_tax"] = made["products"], made["total_inc_tax"]
    order = order_of(made, STORE)
    places = [(line, line.pop("sku")) for line in order["lineItems"]]
    held = life.world.store.orders.need(store_order(life, number)["id"])
    template = held["lineItems"][0]
    for line, sku in places:
        known = next((each for each in held["lineItems"] if each["id"] == line["id"]), template)
        line |= {name: value for name, value in known.items() if name not in line}
        line["variant"] = known["variant"] | {"sku": sku}
        if known is template and template["id"] != line["id"]:
            line["state"] = [{"quantity": line["quantity"], "state": template["state"][0]["state"]}]
    change(life, number, {name: order[name] for name in LINES})
