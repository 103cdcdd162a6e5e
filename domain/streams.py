"""What each kind of stream is, whichever two systems it runs between."""

from __future__ import annotations

from typing import Literal, NamedTuple

from domain.connections import INVENTORY, ORDERS, SHIPMENTS

Entity = Literal["order", "stock"]


class StreamKind(NamedTuple):
    """The same for every connection; the ledger has it in ``sync.stream``."""

    to_oms: bool
    """Direction: True from the store to the OMS."""
    is_snapshot: bool
    """The source reports its present state only.

    A past partition can't be read again, unchanged records are not stored again, and what was
    delivered long ago is of no use.
    """
    entity: Entity
    """What its records are about."""


KINDS: dict[str, StreamKind] = {
    ORDERS: StreamKind(to_oms=True, is_snapshot=False, entity="order"),
    INVENTORY: StreamKind(to_oms=False, is_snapshot=True, entity="stock"),
    SHIPMENTS: StreamKind(to_oms=False, is_snapshot=False, entity="order"),
}
