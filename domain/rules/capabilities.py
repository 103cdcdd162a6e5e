"""Whether a pair of systems can carry the streams that a connection asks for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

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
    Connection,
)

PRODUCTS = "products"
"""The part that the stream ``catalog`` reads: products as they are sold, and what changed of them.

As a target, products that are created. The part ``catalog`` is what stock and orders look up: SKUs,
their ids and units."""
ITEMS = "items"
"""The part of an OMS that is read for listings: its items with what a store shows of them."""
REFUNDS = "refunds"
"""The part of a store that gives money back; without it only a payment service may."""
Side = Literal["platform", "oms"]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a kind of system can be read for and written to."""

    kind: str
    sources: Collection[str]
    targets: Collection[str]


@dataclass(frozen=True, slots=True)
class Needed:
    """A part that a stream needs of one side."""

    side: Side
    part: str
    is_source: bool


_STORE_ORDERS = Needed("platform", ORDERS, is_source=True)
_OMS_ORDERS = Needed("oms", SHIPMENTS, is_source=True)
# Whether a target answers is asked of its orders; reconciliation reads those of both systems.
NEEDED: dict[str, tuple[Needed, ...]] = {
    ORDERS: (
        _STORE_ORDERS,
        _OMS_ORDERS,
        Needed("oms", ORDERS, is_source=False),
    ),
    SHIPMENTS: (
        _STORE_ORDERS,
        _OMS_ORDERS,
        Needed("platform", SHIPMENTS, is_source=False),
    ),
    INVENTORY: (
        _STORE_ORDERS,
        Needed("oms", INVENTORY, is_source=True),
        Needed("platform", CATALOG, is_source=True),
        Needed("platform", INVENTORY, is_source=False),
    ),
    CUSTOMERS: (
        _STORE_ORDERS,
        _OMS_ORDERS,
        Needed("platform", CUSTOMERS, is_source=True),
        Needed("oms", CUSTOMERS, is_source=False),
    ),
    RETURNS: (
        _STORE_ORDERS,
        _OMS_ORDERS,
        Needed("oms", RETURNS, is_source=True),
        Needed("platform", RETURNS, is_source=False),
    ),
    CATALOG: (
        _STORE_ORDERS,
        _OMS_ORDERS,
        Needed("platform", PRODUCTS, is_source=True),
        Needed("oms", CATALOG, is_source=True),
    ),
    LISTINGS: (
        _STORE_ORDERS,
        Needed("platform", PRODUCTS, is_source=True),
        Needed("platform", LISTINGS, is_source=False),
    ),
    PRICES: (
        _STORE_ORDERS,
        _OMS_ORDERS,
        Needed("oms", PRICES, is_source=True),
        Needed("platform", CATALOG, is_source=True),
        Needed("platform", PRICES, is_source=False),
    ),
    # Requests come from the command line or a folder, too, so that no store needs a source of them.
    ACTIONS: (
        _STORE_ORDERS,
        _OMS_ORDERS,
        Needed("oms", ORDERS, is_source=False),
    ),
}


def missing_parts(streams: Collection[str], platform: Parts, oms: Parts) -> Iterator[str]:
    """Return a sentence for each part that the two systems lack of the streams."""
    for stream in streams:
        for lacking in absent_parts(stream, platform, oms):
            yield (
                f"{lacking}, which the stream {stream} needs: "
                f"remove {stream} from the connection's streams"
            )


def absent_parts(stream: str, platform: Parts, oms: Parts) -> Iterator[str]:
    """Return a phrase for each part that the two systems lack of a stream."""
    sides: dict[Side, Parts] = {"platform": platform, "oms": oms}
    for needed in NEEDED[stream]:
        system = sides[needed.side]
        if needed.part not in (system.sources if needed.is_source else system.targets):
            verb = "can't be read from" if needed.is_source else "can't be written to"
            yield f"{needed.part} {verb} {system.kind}"


def settings_without_products(
    connection: Connection, platform: Parts
) -> Iterator[tuple[tuple[str, str], str]]:
    """Return place and fault of each setting that needs products which the store does not take."""
    if connection.catalog.create_products != "never" and PRODUCTS not in platform.targets:
        fault = f"products can't be created in {platform.kind}; set it to never"
        yield ("catalog", "create_products"), fault


def settings_without_items(
    connection: Connection, oms: Parts
) -> Iterator[tuple[tuple[str, str], str]]:
    """Return place and fault of each setting that needs items which the OMS has not, or not so."""
    if connection.catalog.create_items and CATALOG not in oms.targets:
        fault = f"the items of {oms.kind} can't be written; set it to false"
        yield ("catalog", "create_items"), fault
    if connection.catalog.list_from_oms and (fault := _not_listed(connection, oms)):
        yield ("catalog", "list_from_oms"), f"{fault}, or set it to false"
    if CATALOG in oms.sources:
        return
    orders, streams = connection.orders, connection.streams
    skips_missing = connection.inventory.missing_item == "skip"
    needed = (
        (ORDERS in streams and orders.check_items, ("orders", "check_items"), "set it to false"),
        (INVENTORY in streams and skips_missing, ("inventory", "missing_item"), "set it to zero"),
        (INVENTORY in streams and bool(orders.uom_rules), ("orders", "uom_rules"), "remove it"),
    )
    for is_needed, place, advice in needed:
        if is_needed:
            yield place, f"{oms.kind} has no list of its items, which this setting needs; {advice}"


def _not_listed(connection: Connection, oms: Parts) -> str:
    """Return why the OMS's items can't be listed in the store; empty if they can."""
    if ITEMS not in oms.sources:
        return f"the items of {oms.kind} can't be read with their texts: list products by a sheet"
    if lacking := {CATALOG, LISTINGS} - set(connection.streams):
        return f"it needs the stream {' and '.join(sorted(lacking))}: add it to the streams"
    if connection.catalog.create_items:
        return "each system would write the other's texts: set create_items to false"
    return ""


def settings_without_refunds(
    connection: Connection, platform: Parts
) -> Iterator[tuple[tuple[str, str], str]]:
    """Return place and fault of the setting that lets a store pay back which can't."""
    asks_store = RETURNS in connection.streams and connection.returns.refunds == "platform"
    if asks_store and REFUNDS not in platform.targets:
        fault = f"{platform.kind} does not refund; set it to service or none"
        yield ("returns", "refunds"), fault


def carried_streams(platform: Parts, oms: Parts) -> list[str]:
    """Return the streams that the two systems can carry; the others lack a part."""
    return [stream for stream in NEEDED if not any(absent_parts(stream, platform, oms))]
