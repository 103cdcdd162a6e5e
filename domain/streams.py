"""What each kind of stream is, whichever two systems it runs between."""

from __future__ import annotations

from typing import Literal, NamedTuple

from domain.connections import (
    ACTIONS,
    CATALOG,
    CUSTOMERS,
    INVENTORY,
    LISTINGS,
    ORDERS,
    PRICES,
    RETURNS,
    SHIPMENTS,
)

Entity = Literal["order", "stock", "customer", "return", "product", "price", "action"]


class StreamKind(NamedTuple):
    """The same for every connection; the ledger has it in ``sync.stream``."""

    to_oms: bool
    """Direction: True from the store to the OMS."""
    is_snapshot: bool
    """The source reports its current state only.

    A past partition can't be read again, unchanged records are not stored again, and what was
    delivered long ago is of no use.
    """
    entity: Entity
    """What its records are about."""
    names_persons: bool = True
    """Whether a record may name a person: to forget one, all records are read."""
    writes_with: tuple[str, ...] = ()
    """Streams whose target records it changes, too: it delivers under their writers' locks."""


KINDS: dict[str, StreamKind] = {
    ORDERS: StreamKind(to_oms=True, is_snapshot=False, entity="order"),
    INVENTORY: StreamKind(to_oms=False, is_snapshot=True, entity="stock", names_persons=False),
    SHIPMENTS: StreamKind(to_oms=False, is_snapshot=False, entity="order"),
    CUSTOMERS: StreamKind(to_oms=True, is_snapshot=False, entity="customer"),
    RETURNS: StreamKind(to_oms=False, is_snapshot=False, entity="return"),
    CATALOG: StreamKind(to_oms=True, is_snapshot=False, entity="product", names_persons=False),
    LISTINGS: StreamKind(to_oms=False, is_snapshot=False, entity="product", names_persons=False),
    PRICES: StreamKind(to_oms=False, is_snapshot=True, entity="price", names_persons=False),
    ACTIONS: StreamKind(to_oms=True, is_snapshot=False, entity="action", writes_with=(ORDERS,)),
}
PERSONAL = tuple(name for name, kind in KINDS.items() if kind.names_persons)
"""The streams whose records may name a person."""
TRACED = tuple(dict.fromkeys(kind.entity for kind in KINDS.values() if not kind.is_snapshot))
"""What has a history of its own, record by record: all but what snapshots are about."""


def streams_of(entity: str, *, to_oms: bool | None = None) -> list[str]:
    """Return the streams whose records are about an entity, of one direction if it is given."""
    return [
        name
        for name, kind in KINDS.items()
        if kind.entity == entity and to_oms in (None, kind.to_oms)
    ]
