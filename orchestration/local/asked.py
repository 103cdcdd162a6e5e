"""What people ask for in a demo, and whether both systems hold it: prices, a title, a cancellation.

A merchant sets prices at the OMS and gives a product another title, and an agent cancels an order.
Another demo with the same systems fills the store again, with the names and prices of the seed: so
the title is asked for again, and the prices are others.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

import httpx
import psycopg

from assets.streams.actions.requests import capture_request
from assets.streams.listings.stream import capture_listings
from domain.connections import ACTIONS, CATALOG, LISTINGS
from domain.records.listings import Listing
from domain.values import Partition
from orchestration.local.truth import Systems
from resources.http.urls import tls_context
from resources.ledger.records.actions import requests as requests_of
from resources.ledger.records.listings import requested_skus
from resources.ledger.records.products import Products
from resources.sync import Sync
from sandbox.seed.prices import price_row

Json = dict[str, Any]
Asked = tuple[str, Partition, list[str]]
"""Stream, partition and records of a request that was captured."""
PRICED, FIRST = 5, Decimal("9.50")
TITLE, ACTION = "Renamed by the demo", "demo-cancel"
MOST_REQUESTS = 100


def set_prices(control: str, systems: Systems) -> int:
    """Set prices of a few products at the OMS, which both systems know; return how many."""
    known = set(systems.store_products()) & set(systems.oms_availability())
    before = systems.oms_prices()
    rows = [price_row(sku, before.get(sku, FIRST) + 1) for sku in sorted(known)[:PRICED]]
    answer = httpx.post(f"{control}/prices", json=rows, timeout=60, verify=tls_context())
    answer.raise_for_status()
    return len(rows)


def requests(sync: Sync, systems: Systems) -> Iterator[Asked]:
    """Capture what is asked for in a connection's streams, and yield it to be carried out."""
    if LISTINGS in sync.connection.streams:
        yield from ask_for_title(sync)
    if ACTIONS in sync.connection.streams:
        yield from ask_to_cancel(sync, systems)


def ask_for_title(sync: Sync) -> list[Asked]:
    """Ask for another title of the product with the first SKU of the catalog."""
    with sync.ledger.session(sync.name, CATALOG) as session:
        sellers = session.products.products_of(sorted(session.products.skus()))
    sold_once = ((sku, ids[0]) for sku, ids in sorted(sellers.items()) if len(ids) == 1)
    wanted = [Listing(product_id=one, sku=sku, name=TITLE) for sku, one in islice(sold_once, 1)]
    captured = capture_listings(sync, wanted)
    return [(LISTINGS, partition, ids) for partition, ids in captured.items()]


def ask_to_cancel(sync: Sync, systems: Systems) -> list[Asked]:
    """Ask for the cancellation of the last order of which nothing has left; once."""
    with sync.ledger.session(sync.name, ACTIONS) as session:
        if requests_of(session.db, sync.name, limit=1):
            return []
    store = systems.store_orders()
    waiting = [
        number
        for number, order in systems.oms_orders().items()
        if number in store and not order["canceled"] and not order["parcels"]
    ]
    if not waiting:
        return []
    order = store[max(waiting)]["id"]
    wanted = {"kind": "cancel", "order": order, "requested_by": "demo", "action_id": ACTION}
    action_id, partition = capture_request(sync, wanted)
    return [(ACTIONS, partition, [action_id])]


def price_differences(systems: Systems) -> list[str]:
    """Return each price of the OMS that the store does not show."""
    shown, sold = systems.store_prices(), systems.store_products()
    return [
        f"SKU {sku}: {price} at the OMS, {shown.get(sku, 'none')} in the store"
        for sku, price in sorted(systems.oms_prices().items())
        if sku in sold and shown.get(sku) != price
    ]


def catalog_differences(systems: Systems, database: str, connection: str) -> list[str]:
    """Return each SKU that the store sells and the catalog lacks, or the other way round."""
    with psycopg.connect(database) as db:
        read = Products(db, connection).skus()
    sold = set(systems.store_products())
    found = [f"SKU {sku}: in the store, and not in the catalog" for sku in sorted(sold - read)]
    return found + [f"SKU {sku}: in the catalog only" for sku in sorted(read - sold)]


def listing_differences(systems: Systems, database: str, connection: str) -> list[str]:
    """Return each title that was asked for and that the store does not show."""
    with psycopg.connect(database) as db:
        wanted = requested_skus(db, connection)
    if not wanted:
        return ["no title was requested"]
    shown = systems.store_products()
    return [
        f"SKU {sku}: its title is {shown.get(sku)}" for sku in wanted if shown.get(sku) != TITLE
    ]


def action_differences(systems: Systems, database: str, connection: str) -> list[str]:
    """Return each cancellation that is not done, or that the OMS does not show."""
    with psycopg.connect(database) as db:
        rows = requests_of(db, connection, limit=MOST_REQUESTS)
    numbers = {order["id"]: number for number, order in systems.store_orders().items()}
    oms = systems.oms_orders()
    found = [] if rows else ["no cancellation was requested"]
    for row in rows:
        held = oms.get(numbers.get(row["source_id"], ""), {})
        if row["state"] != "done" or not held.get("canceled"):
            what = f"request {row['action_id']}, order {row['source_id']}: {row['state']}"
            found.append(f"{what}; at the OMS it is not so")
    return found
