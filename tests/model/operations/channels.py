"""Channels of one store: a connection that is narrowed to one of them, and widened again."""

from __future__ import annotations

from typing import Any

from tests.model.life import Life, NotPossibleError
from tests.model.operations.operators import configure
from tests.model.operations.registry import NUMBER, among, at
from tests.model.operations.shoppers import lines as drawn_lines
from tests.model.operations.shoppers import place_in

operation = at("bigcommerce")
OWN, OTHER = 1, 2


@operation("shopper", 3, number=NUMBER, lines=drawn_lines)
def place_elsewhere(life: Life, number: int, lines: Any) -> None:
    """Place an order in the store's other channel."""
    if len(life.world.names) > 1:
        raise NotPossibleError  # it belongs to the other connection
    place_in(life, number, lines, channel_id=OTHER)


@operation("operator", 2, channel=among(OWN, OWN, OTHER, None))
def serve_channel(life: Life, channel: int | None) -> None:
    """Narrow the connection to one channel, or let it serve all of them."""
    if len(life.world.names) > 1 or channel == life.facts.served:
        raise NotPossibleError
    note_channels(life)
    life.facts.served = channel
    configure(life, platform={"channel_id": channel})
    note_channels(life)


def unserved(life: Life) -> set[int]:
    """Return the orders whose channel the connection does not serve now."""
    if life.facts.served is None:
        return set()
    return {
        number
        for number in life.world.store.book.by_id
        if life.document(number)["order"]["channel_id"] != life.facts.served
    }


def note_channels(life: Life) -> None:
    """Note which orders are of a channel that is served, and which the OMS lacks of another."""
    others = unserved(life)
    held = {order["id"] for order in life.world.ask_oms("truth")["orders"]}
    life.facts.ever_served |= {*life.world.store.book.by_id} - others
    life.facts.left_out |= {number for number in others if str(number) not in held}
