"""What shoppers and the staff do at Salesforce."""

from __future__ import annotations

from typing import Any

from tests.model.life import Life, NotPossibleError
from tests.model.operations import neutral
from tests.model.operations.neutral import seed_of, store_order
from tests.model.operations.registry import NUMBER, PLACE, UNITS, among, at
from tests.model.operations.shoppers import PENDING, SKU, UNPAID
from tests.model.operations.shoppers import lines as drawn_lines

operation = at("salesforce")
LOCATION = "WAREHOUSE"
Lines = list[tuple[str, int]]

operation("shopper", 3, number=NUMBER, lines=drawn_lines)(neutral.place)
operation("shopper", 1, number=NUMBER, lines=drawn_lines, status=among(PENDING, UNPAID))(
    neutral.place_unpaid
)


@operation("shopper", 1, number=NUMBER)
def pay(life: Life, number: int) -> None:
    """Let an order be approved."""
    if summary(life, number)["Status"] != "Created":
        raise NotPossibleError
    change(life, number, {"Status": "Approved"})


operation("shopper", 1, number=NUMBER, units=UNITS)(neutral.place_unknown_item)
operation("shopper", 1, number=NUMBER, lines=drawn_lines)(neutral.place_unmapped_method)
operation("shopper", 1, number=NUMBER, lines=drawn_lines)(neutral.place_without_postcode)


@operation("shopper", 3, number=NUMBER, place=PLACE, units=UNITS)
def change_units(life: Life, number: int, place: int, units: int) -> None:
    """Cancel units of a line by a change order: here only less can be ordered, and not none."""
    book = life.world.store.book
    order = summary(life, number)
    items = [
        item
        for item in book.children("OrderItemSummary", "OrderSummaryId", order["Id"])
        if item["Type"] == "Order Product"
    ]
    item = items[place % len(items)]
    off = item["Quantity"] - units
    if off <= 0 or store_order(life, number)["parcels"]:
        raise NotPossibleError
    total = item["UnitPrice"] * units
    amounts = ("TotalLineAmount", "TotalLineAmountWithTax", "TotalPrice", "TotalAmtWithTax")
    book.put(
        "OrderItemSummary",
        {"Id": item["Id"], "Quantity": float(units), "QuantityCanceled": float(off)}
        | dict.fromkeys(amounts, total),
    )
    paid = order["GrandTotalAmount"] - item["UnitPrice"] * off
    change(life, number, {"GrandTotalAmount": paid})


@operation("shopper", 1, number=NUMBER, street=among("1 High Street", "2 Low Road"))
def move_house(life: Life, number: int, street: str) -> None:
    """Change the address, which is a child of the order: the order itself is not touched."""
    seed = seed_of(life, number)
    book, order = life.world.store.book, summary(life, number)
    for group in book.children("OrderDeliveryGroupSummary", "OrderSummaryId", order["Id"]):
        row = {"Id": group["Id"], "DeliverToStreet": street}
        life.world.to_store("put/OrderDeliveryGroupSummary", row)
    seed["shipping_addresses"][0]["street_1"] = street


@operation("shopper", 1, number=NUMBER, text=among("Ring twice", "Leave it at the door"))
def write_message(life: Life, number: int, text: str) -> None:
    """Write a message with the order."""
    seed_of(life, number)["customer_message"] = text
    change(life, number, {"Description": text})


@operation("shopper", 2, number=NUMBER)
def cancel(life: Life, number: int) -> None:
    """Cancel an order."""
    if summary(life, number)["Status"] == "Canceled":
        raise NotPossibleError
    change(life, number, {"Status": "Canceled"})
    life.facts.decided[number] = 5
    life.facts.reopened.discard(number)


@operation("merchant", 1, number=NUMBER)
def reopen(life: Life, number: int) -> None:
    """Set an order to Approved (again)."""
    if summary(life, number)["Status"] == "Approved":
        raise NotPossibleError
    life.open_again(number)
    change(life, number, {"Status": "Approved"})
    life.facts.decided[number] = 11


@operation("merchant", 2, number=NUMBER, status=among(9, 3, 10, 2, 8))
def move_status(life: Life, number: int, status: int) -> None:
    """Move an order to a status of fulfilment by hand."""
    names = {
        9: "In Fulfillment",
        3: "Partially Fulfilled",
        10: "Delivered",
        2: "Fulfilled",
        8: "Allocated",
    }
    if summary(life, number)["Status"] == names[status]:
        raise NotPossibleError
    change(life, number, {"Status": names[status]})
    life.facts.decided[number] = status
    life.facts.reopened.discard(number)


@operation("merchant", 2, number=NUMBER, status=among(12, 13))
def suspect(life: Life, number: int, status: int) -> None:
    """Put an order into a status of the org's own."""
    summary(life, number)
    change(life, number, {"Status": {12: "On Review", 13: "Disputed"}[status]})
    life.facts.decided[number] = status
    life.facts.reopened.discard(number)


@operation("merchant", 1, number=NUMBER)
def annotate(life: Life, number: int) -> None:
    """Change nothing that fulfilment needs."""
    life.world.to_store(f"orders/{summary(life, number)['Id']}/touch", {})


@operation("merchant", 1, sku=SKU, quantity=among(0, 5, 77))
def set_level(life: Life, sku: str, quantity: int) -> None:
    """Set a level in the store by hand."""
    row = {"sku": sku, "location": LOCATION, "quantity": quantity}
    life.world.to_store("stock", [row])
    life.facts.needs_repair = True


@operation("merchant", 1, sku=SKU, reserved=among(0, 2, 5))
def reserve(life: Life, sku: str, reserved: int) -> None:
    """Reserve units for orders, which are on hand and not available."""
    levels = life.world.ask_store("truth")["levels"]
    found = next((level for level in levels if level["sku"] == sku), None)
    if found is None:
        raise NotPossibleError
    row = {"sku": sku, "location": LOCATION, "reserved": reserved}
    life.world.to_store("stock", [row | {"quantity": found["available"] + reserved}])


@operation("merchant", 1, number=NUMBER, reads=among(1, 2, 6))
def lock_rows(life: Life, number: int, reads: int) -> None:
    """Keep the order's row locked for some writes, as another of the org's processes does."""
    life.world.to_store("settings", {"locks": {summary(life, number)["Id"]: reads}})


@operation("world", 1)
def expire_sessions(life: Life) -> None:
    """Let all sessions of the store expire."""
    life.world.to_store("expire", {})


def summary(life: Life, number: int) -> dict[str, Any]:
    """Return the order summary of an order."""
    identifier = store_order(life, number)["id"]
    found: dict[str, Any] = life.world.store.book.get("OrderSummary", identifier)
    return found


def change(life: Life, number: int, values: dict[str, Any]) -> None:
    """Change fields of an order as the merchant's tools do."""
    life.world.to_store(f"orders/{summary(life, number)['Id']}", values, "PATCH")
