"""What shoppers and the staff of a store of any kind do, by the controls that all stores have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.seeds import seed_order
from tests.model.world import AT_STORE, ControlError

Json = dict[str, Any]
Lines = list[tuple[str, int]]
IN_CHANNEL: Mapping[str, Callable[[str], Json]] = {
    "commercetools": lambda name: {"store": {"typeId": "store", "key": name}},
    "salesforce": lambda name: {"SalesStoreId": name},
}
"""What an order of a store's channel has."""


def place_seed(
    life: Life, number: int, lines: Any, channel: int | None = None, **changes: Any
) -> None:
    """Place an order in the form of a seed, and keep it, so that it can be changed."""
    if number in life.seeds:
        raise NotPossibleError
    moment = life.world.clock.now() + life.world.skew[AT_STORE]
    seed = seed_order(number, moment, lines, **changes)
    [identifier] = life.world.to_store("seed/orders", [seed])["ids"]
    life.seeds[number] = seed
    name = life.place_in_channel(number, channel)
    life.world.to_store(f"orders/{identifier}", IN_CHANNEL[life.world.pair.store](name), "PATCH")


def place(life: Life, number: int, lines: Lines) -> None:
    """Place and pay for an order."""
    place_seed(life, number, lines)


def place_unpaid(life: Life, number: int, lines: Lines, status: int) -> None:
    """Place an order that is not paid, or approved, yet."""
    place_seed(life, number, lines, status_id=status)


def place_unknown_item(life: Life, number: int, units: int) -> None:
    """Place an order for what the OMS does not have in its item master."""
    place_seed(life, number, [(documents.NOT_AT_OMS, units)])


def place_unmapped_method(life: Life, number: int, lines: Lines) -> None:
    """Place an order with a shipping method that the configuration does not name."""
    addresses = [documents.address(number * 100, shipping_method="Sled")]
    place_seed(life, number, lines, shipping_addresses=addresses)


def place_without_postcode(life: Life, number: int, lines: Lines) -> None:
    """Place an order whose address lacks its postal code."""
    place_seed(life, number, lines, shipping_addresses=[documents.address(number * 100, zip="")])


def seed_of(life: Life, number: int) -> Json:
    """Return a placed order; raises ``NotPossibleError`` if there is none."""
    if number not in life.seeds:
        raise NotPossibleError
    return life.seeds[number]


def store_order(life: Life, number: int) -> Json:
    """Return what the store holds of an order, neutrally."""
    seed_of(life, number)
    orders: list[Json] = life.world.ask_store("truth")["orders"]
    return next(order for order in orders if order["number"] == str(number))


def at_oms(life: Life, number: int) -> Json:
    """Return what the OMS holds of an order; raises ``NotPossibleError`` if it has none."""
    try:
        found: Json = life.world.ask_oms(f"effects/order/{number}")
    except ControlError:
        raise NotPossibleError from None
    return found


def call_oms(life: Life, number: int, name: str, body: Json) -> Any:
    """Make a control call about an order of the OMS; one that it refuses makes no sense."""
    at_oms(life, number)
    try:
        return life.world.to_oms(f"orders/{number}/{name}", body)
    except ControlError:
        raise NotPossibleError from None


def oms_line(life: Life, number: int, place: int) -> tuple[str, float]:
    """Return SKU and units of an order's line at the OMS."""
    lines = at_oms(life, number)["lines"]
    if not lines:
        raise NotPossibleError
    line = lines[place % len(lines)]
    return line["sku"], line["quantity"]
