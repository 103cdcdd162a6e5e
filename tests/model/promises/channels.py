"""Channels: what was never served is not sent; what was sent is followed (docs/operations.md)."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.life import Life
from tests.model.operations.channels import note_channels, unserved


def check(life: Life) -> Iterator[str]:
    """Return each order at the OMS whose channel the connection has never served."""
    facts = life.facts
    if facts.served is None and not facts.ever_served:
        return
    note_channels(life)
    held = {order["id"] for order in life.world.ask_oms("truth")["orders"]}
    for number in sorted(facts.channels.keys() - facts.ever_served):
        if str(number) in held:
            yield f"order_unserved: {number} was sent, and its channel was never served"


def is_left_out(life: Life, number: int) -> bool:
    """Return whether a channel that was not served is why an order may not be followed.

    The OMS did not have it then; or a restored ledger has lost that it was sent; or it had ended
    at the OMS, and is no longer read.
    """
    facts = life.facts
    if number in facts.left_out:
        return True
    if number not in unserved(life):
        return False
    [held] = [one for one in life.world.ask_oms("truth")["orders"] if one["id"] == str(number)]
    return life.backup is not None or held["canceled"] or bool(held["parcels"])
