"""What shoppers do at BigCommerce: place, pay for, change and cancel orders."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.operations.registry import NUMBER, PLACE, UNITS, among, at
from tests.model.world import AT_STORE

operation = at("bigcommerce")
SKU = among("MUG", "LAMP", "TENT", "SHIRT-S", "SHIRT-M")
CANCELLED, DECLINED, PENDING, UNPAID, READY = 5, 6, 1, 7, 11


def lines(random: Random) -> list[tuple[str, int]]:
    """Draw the lines of an order."""
    return [(SKU(random), UNITS(random)) for _ in range(random.choice((1, 1, 2, 3)))]


def place_in(
    life: Life, number: int, order_lines: Any, channel: int | None = None, **changes: Any
) -> None:
    """Place an order, by default in the channel of the connection that it belongs to."""
    if life.world.store.book.load(number) is not None:
        raise NotPossibleError
    person = documents.PERSON | {"email": f"shopper-{number}@example.com"}
    name = life.place_in_channel(number, channel)
    changes = {"billing_address": person, "channel_id": name} | changes
    moment = life.world.clock.now() + life.world.skew[AT_STORE]
    document = documents.order(number, moment, order_lines, **changes)
    life.world.to_store("orders", [document])


def set_status(life: Life, number: int, status: int, *, is_opened: bool = False) -> None:
    """Set an order's status, as the store's staff or its rules do."""
    document = life.document(number)
    if document["order"]["status_id"] == status:
        raise NotPossibleError
    if not is_opened:
        life.facts.reopened.discard(number)
    life.world.to_store(f"orders/{number}/status", {"status_id": status})
    life.facts.decided[number] = status


@operation("shopper", 3, number=NUMBER, lines=lines)
def place(life: Life, number: int, lines: list[tuple[str, int]]) -> None:
    """Place and pay for an order."""
    place_in(life, number, lines)


@operation("shopper", 1, number=NUMBER, lines=lines, status=among(PENDING, UNPAID))
def place_unpaid(life: Life, number: int, lines: list[tuple[str, int]], status: int) -> None:
    """Place an order that is not paid yet."""
    place_in(life, number, lines, status_id=status)


@operation("shopper", 1, number=NUMBER)
def pay(life: Life, number: int) -> None:
    """Pay for an order."""
    if life.document(number)["order"]["status_id"] not in (PENDING, UNPAID):
        raise NotPossibleError
    life.world.to_store(
        f"orders/{number}/transactions",
        {"event": "capture", "method": "credit_card", "amount": 10, "gateway": "stripe"},
    )
    set_status(life, number, READY)


@operation("shopper", 1, number=NUMBER, units=UNITS)
def place_unknown_item(life: Life, number: int, units: int) -> None:
    """Place an order for what the OMS does not have in its item master."""
    place_in(life, number, [(documents.NOT_AT_OMS, units)])


@operation("shopper", 1, number=NUMBER, lines=lines)
def place_unmapped_method(life: Life, number: int, lines: list[tuple[str, int]]) -> None:
    """Place an order with a shipping method that the configuration does not name."""
    addresses = [documents.address(number * 100, shipping_method="Sled")]
    place_in(life, number, lines, shipping_addresses=addresses)


@operation("shopper", 1, number=NUMBER, lines=lines)
def place_without_postcode(life: Life, number: int, lines: list[tuple[str, int]]) -> None:
    """Place an order whose address lacks its postal code."""
    place_in(life, number, lines, shipping_addresses=[documents.address(number * 100, zip="")])


@operation("shopper", 2, number=NUMBER, lines=lines)
def place_with_download(life: Life, number: int, lines: list[tuple[str, int]]) -> None:
    """Place an order that has a download, which no parcel contains, beside its other lines."""
    download = documents.line(number * 100 + 50, documents.UNTRACKED, 1) | {"type": "digital"}
    goods = [documents.line(number * 100 + n, *one) for n, one in enumerate(lines, 1)]
    downloads = {"recipient_email": f"shopper-{number}@example.com"}
    place_in(life, number, [], products=[*goods, download], downloads=downloads)


@operation("shopper", 3, number=NUMBER, place=PLACE, units=UNITS)
def change_units(life: Life, number: int, place: int, units: int) -> None:
    """Order more or fewer units of a line."""
    line = life.line(number, place)
    if line["quantity"] == units or line["quantity_refunded"] or line["quantity_shipped"]:
        raise NotPossibleError
    life.world.to_store(
        f"orders/{number}", {"products": [{"id": line["id"], "quantity": units}]}, "PATCH"
    )


@operation("shopper", 1, number=NUMBER, sku=SKU, units=UNITS)
def add_line(life: Life, number: int, sku: str, units: int) -> None:
    """Add a line."""
    known = [line["id"] for line in life.document(number)["products"]]
    added = documents.line(max(known, default=number * 100) + 1, sku, units)
    del added["id"]
    life.world.to_store(f"orders/{number}", {"products": [added]}, "PATCH")


@operation("shopper", 1, number=NUMBER, place=PLACE)
def remove_line(life: Life, number: int, place: int) -> None:
    """Remove a line of several."""
    if len(life.document(number)["products"]) < 2:
        raise NotPossibleError
    line = life.line(number, place)
    if line["quantity_shipped"] or line["quantity_refunded"]:
        raise NotPossibleError
    life.world.to_store(
        f"orders/{number}", {"products": [{"id": line["id"], "quantity": 0}]}, "PATCH"
    )


@operation("shopper", 1, number=NUMBER, street=among("1 High Street", "2 Low Road"))
def move_house(life: Life, number: int, street: str) -> None:
    """Change the address."""
    address = life.document(number)["shipping_addresses"][0]
    change = {"id": address["id"], "street_1": street}
    life.world.to_store(f"orders/{number}", {"shipping_addresses": [change]}, "PATCH")


@operation("shopper", 1, number=NUMBER, text=among("Ring twice", "Leave it at the door"))
def write_message(life: Life, number: int, text: str) -> None:
    """Write a message with the order."""
    life.document(number)
    life.world.to_store(f"orders/{number}", {"customer_message": text}, "PATCH")


@operation("shopper", 2, number=NUMBER)
def cancel(life: Life, number: int) -> None:
    """Cancel an order."""
    set_status(life, number, CANCELLED)


@operation("shopper", 1, number=NUMBER)
def payment_declined(life: Life, number: int) -> None:
    """Let an order be declined."""
    set_status(life, number, DECLINED)


@operation("shopper", 1, number=NUMBER, place=PLACE, units=UNITS)
def refund_units(life: Life, number: int, place: int, units: int) -> None:
    """Get units of a line refunded."""
    line = life.line(number, place)
    if units > line["quantity"] - line["quantity_refunded"] - line["quantity_shipped"]:
        raise NotPossibleError
    chosen = {"lines": [{"id": line["id"], "quantity": units}]}
    life.world.to_store(f"orders/{number}/refunds", chosen)
    life.facts.decided[number] = life.document(number)["order"]["status_id"]


@operation("shopper", 1, number=NUMBER)
def refund_all(life: Life, number: int) -> None:
    """Get the whole order refunded."""
    document = life.document(number)
    if any(line["quantity_refunded"] for line in document["products"]):
        raise NotPossibleError
    life.world.to_store(f"orders/{number}/refunds", {})
    life.facts.decided[number] = life.document(number)["order"]["status_id"]
