"""Channels of one store: a connection that is narrowed to one of them, and widened again."""

from __future__ import annotations

from typing import Any

from tests.model.life import Life, NotPossibleError
from tests.model.operations import neutral
from tests.model.operations.operators import configure
from tests.model.operations.registry import NUMBER, among, at, operation
from tests.model.operations.shoppers import lines as drawn_lines
from tests.model.operations.shoppers import place_in
from tests.model.world import OTHER, OWN


@at("bigcommerce")("shopper", 3, number=NUMBER, lines=drawn_lines)
def place_elsewhere(life: Life, number: int, lines: Any) -> None:
    """Place an order in the store's other channel."""
    _need_one_connection(life)  # else it belongs to the other one
    place_in(life, number, lines, OTHER)


def _place_elsewhere(life: Life, number: int, lines: Any) -> None:
    _need_one_connection(life)
    neutral.place_seed(life, number, lines, OTHER)


_place_elsewhere.__name__ = place_elsewhere.__name__
for _store in ("commercetools", "salesforce"):
    at(_store)("shopper", 3, number=NUMBER, lines=drawn_lines)(_place_elsewhere)


@operation("operator", 2, channel=among(OWN, OWN, OTHER, None))
def serve_channel(life: Life, channel: int | None) -> None:
    """Narrow the connection to one channel, or let it serve all of them."""
    _need_one_connection(life)
    if channel == life.facts.served:
        raise NotPossibleError
    note_channels(life)
    life.facts.served = channel
    configure(life, platform=life.world.channel_setting(channel))
    note_channels(life)


def unserved(life: Life) -> set[int]:
    """Return the orders whose channel the connection does not serve now."""
    served = life.facts.served
    if served is None:
        return set()
    return {number for number, channel in life.facts.channels.items() if channel != served}


def note_channels(life: Life) -> None:
    """Note which orders are of a channel that is served, and which the OMS lacks of another."""
    others = unserved(life)
    held = {order["id"] for order in life.world.ask_oms("truth")["orders"]}
    life.facts.ever_served |= life.facts.channels.keys() - others
    life.facts.left_out |= {number for number in others if str(number) not in held}


def _need_one_connection(life: Life) -> None:
    if len(life.world.names) > 1:
        raise NotPossibleError
