"""A complete synthetic seed: catalogue, stock and orders that fit together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sandbox.seed import bulk, synthetic
from sandbox.seed.catalogue import Catalogue, catalogue
from sandbox.seed.seedset import Document, SeedSet

PRODUCTS = 200
CATALOGUE_SEED = 1


def standard_catalogue() -> Catalogue:
    """Return the catalogue that seeds and live traffic share."""
    return catalogue(PRODUCTS, CATALOGUE_SEED)


def seed_set(
    count: int,
    seed: int,
    start: date,
    days: int,
    *,
    dirt: float = 0.0,
    first_id: int = 1001,
    bulk_orders: bool = False,
) -> SeedSet:
    """Generate ``count`` orders over ``days`` days, a share ``dirt`` of them corrupt.

    ``bulk_orders``: small ones, generated fast, without dirt.
    """
    stock = standard_catalogue()
    labels: dict[int, str] = {}

    def documents() -> Iterator[Document]:
        if bulk_orders:
            return bulk.orders(count, seed, start, days, stock, first_id=first_id)
        return synthetic.orders(
            count, seed, start, days, stock, dirt=dirt, labels=labels, first_id=first_id
        )

    return SeedSet(
        name="synthetic",
        documents=documents,
        products=stock.products,
        items=stock.items,
        supply=stock.supply,
        locations=stock.locations,
        store_locations=stock.store_locations,
        currency="USD",
        first_day=start,
        last_day=start + timedelta(days=max(days, 1) - 1),
        counts={"orders": count},
        labels=labels,
    )
