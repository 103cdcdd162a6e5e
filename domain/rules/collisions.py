"""Connections that would overwrite each other's records, found before anything is sent. Pure.

Every configured connection counts, paused or not: it may be resumed at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from domain.connections import (
    CATALOG,
    CUSTOMERS,
    INVENTORY,
    LISTINGS,
    ORDERS,
    PRICES,
    RETURNS,
    SHIPMENTS,
    Connection,
)
from domain.identity import Identity

DEFAULT_LOCATION = "default"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """A connection and the two systems that it is between."""

    connection: Connection
    platform: Identity
    oms: Identity

    @property
    def prefix(self) -> str | None:
        """Return the prefix of its ids at the OMS; ``None`` if it deals with none of them."""
        if {ORDERS, SHIPMENTS, CUSTOMERS, RETURNS}.isdisjoint(self.connection.streams):
            return None
        return self.connection.orders.order_id_prefix

    @property
    def locations(self) -> frozenset[str]:
        """Return the codes of the store locations whose stock it writes."""
        policy = self.connection.inventory
        if INVENTORY not in self.connection.streams:
            return frozenset()
        if policy.mode == "aggregate":
            return frozenset({policy.store_location})
        return frozenset(policy.nodes.values())

    @property
    def price_lists(self) -> frozenset[str]:
        """Return the store's price lists that it writes."""
        policy = self.connection.prices
        if PRICES not in self.connection.streams:
            return frozenset()
        return frozenset({policy.store_list, *policy.lists.values()})

    @property
    def oms_fields(self) -> frozenset[str]:
        """Return the fields of the store's products that it keeps as its OMS has them."""
        policy = self.connection.catalog
        if LISTINGS not in self.connection.streams or not policy.list_from_oms:
            return frozenset()
        return frozenset(policy.oms_fields)

    @property
    def creates_items(self) -> bool:
        """Return whether it writes the store's texts to items of its OMS."""
        return CATALOG in self.connection.streams and self.connection.catalog.create_items


class Collision(NamedTuple):
    """A setting of a connection that can't be used beside another connection."""

    place: tuple[str, ...]
    """The path of the setting, from the connection's name on."""
    message: str


def collisions(endpoints: Mapping[str, Endpoints]) -> Iterator[Collision]:
    """Return what any two of the connections would overwrite, or send twice."""
    for (first, a), (second, b) in combinations(endpoints.items(), 2):
        if a.platform.overlaps(b.platform):
            yield Collision((second, "platform"), _same_channel(first, second, a, b))
        if a.oms.overlaps(b.oms) and _prefixes_overlap(a, b):
            yield Collision((second, "orders"), _same_order_ids(first, second, a, b))
        if a.platform.account == b.platform.account and _locations_overlap(a, b):
            yield Collision((second, "inventory"), _same_stock(first, second, a, b))
        if a.platform.account == b.platform.account and a.price_lists & b.price_lists:
            yield Collision((second, "prices"), _same_prices(first, second, a, b))
        if a.platform.account == b.platform.account and (message := _texts(first, second, a, b)):
            yield Collision((second, "catalog"), message)
        for side in ("platform", "oms"):
            if (queue := getattr(b, side).queue) and queue in (a.platform.queue, a.oms.queue):
                yield Collision((second, side, "queue"), _same_queue(first, second, queue))


def _prefixes_overlap(a: Endpoints, b: Endpoints) -> bool:
    """Return whether one prefix is the start of the other: W12 may be 12 of W or 2 of W1.

    The empty prefix is the start of every other.
    """
    if a.prefix is None or b.prefix is None:
        return False
    one, other = a.prefix, b.prefix
    if a.oms.ids_ignore_case or b.oms.ids_ignore_case:
        one, other = one.casefold(), other.casefold()
    return one.startswith(other) or other.startswith(one)


def _locations_overlap(a: Endpoints, b: Endpoints) -> bool:
    """Return whether both write stock to one location.

    The default location has a code as well, which only the store knows: it may be any other one.
    """
    both = (a.locations, b.locations)
    return bool(a.locations & b.locations) or (
        all(both) and any(DEFAULT_LOCATION in codes for codes in both)
    )


def _same_channel(first: str, second: str, a: Endpoints, b: Endpoints) -> str:
    served = a.platform if a.platform.part is not None else b.platform
    return (
        f"the connections {first} and {second} both serve {served}: its orders would be sent "
        "twice. Give each its own channel, or remove one"
    )


def _same_order_ids(first: str, second: str, a: Endpoints, b: Endpoints) -> str:
    return (
        f"the connections {first} and {second} both send orders to {a.oms}, and their "
        f"order_id_prefix {a.prefix!r} and {b.prefix!r} overlap: an order of one could overwrite "
        "an order of the other. Give each connection a prefix that is not the start of the "
        "other's, such as 'US-' and 'EU-'"
    )


def _same_stock(first: str, second: str, a: Endpoints, b: Endpoints) -> str:
    shared = sorted(a.locations & b.locations)
    places = f"the location {shared[0]!r}" if shared else "what may be the same location"
    return (
        f"the connections {first} and {second} both write the stock of {a.platform.account} to "
        f"{places} ({_codes(first, a)}; {_codes(second, b)}): each would overwrite the other's "
        "numbers. Remove inventory from the streams of one, or give each locations of its own, "
        "by their codes in place of 'default'"
    )


def _same_prices(first: str, second: str, a: Endpoints, b: Endpoints) -> str:
    [shared, *_] = sorted(a.price_lists & b.price_lists)
    return (
        f"the connections {first} and {second} both write prices of {a.platform.account} to its "
        f"list {shared!r}: each would overwrite the other's. Remove prices from one's streams, "
        "or send its prices to another list (prices.store_list, prices.lists)"
    )


def _texts(first: str, second: str, a: Endpoints, b: Endpoints) -> str:
    """Return what is wrong with texts of products that both write in one store; else nothing."""
    if shared := sorted(a.oms_fields & b.oms_fields):
        return (
            f"the connections {first} and {second} both keep the field {shared[0]!r} of the "
            f"products of {a.platform.account} as their OMS has it (catalog.oms_fields): each "
            "would overwrite the other's. Leave the field to one of them"
        )
    if a.oms.overlaps(b.oms) and (
        (a.creates_items and b.oms_fields) or (b.creates_items and a.oms_fields)
    ):
        return (
            f"of the connections {first} and {second}, one writes the texts of the products of "
            f"{a.platform.account} to items of {a.oms} (catalog.create_items), and the other "
            "writes them back (catalog.oms_fields). Leave out one of the two"
        )
    return ""


def _same_queue(first: str, second: str, queue: str) -> str:
    return (
        f"the connections {first} and {second} both pull events from the queue {queue}: each would "
        "take the other's off it. Give each a subscription with a queue of its own"
    )


def _codes(name: str, endpoints: Endpoints) -> str:
    return f"{name}: {', '.join(sorted(endpoints.locations))}"
