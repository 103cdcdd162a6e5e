"""A scene between any two systems, by neutral control only: seeds, the warehouse, and ``truth``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import yaml

from domain.connections import Installation
from orchestration.local import sandbox_process, verify
from orchestration.local.simulated import Pair, simulated
from orchestration.local.truth import Systems
from resources import platforms
from resources.ledger.records.catalog import Catalog
from resources.systems import streams_carried
from sandbox.seed import bulk, registered, synthetic_seed
from sandbox.seed.catalogue import Catalogue
from sandbox.seed.load import post
from sandbox.seed.seedset import SeedSet
from tests.assets.scene import HISTORY, NAME, Scene

Json = dict[str, Any]
Stock = TypeVar("Stock", SeedSet, Catalogue)
LIMITS = dict.fromkeys(("USD", "CAD", "GBP", "EUR", "BRL", "AUD", "JPY", "INR"), 1_000_000)
"""Up to which a refund needs no approval, in every currency of the seeds."""
WITHOUT_WAITS: dict[str, Json] = {"bigcommerce": {"quota": 100_000}}
"""Kind of a platform -> settings with which its client never waits for the vendor's quota."""


@cache
def simple_orders(day: date) -> list[Json]:
    """Return paid orders that ship to one address; as a seed's documents, they are not changed."""
    return [
        order
        for order in bulk.orders(400, 3, day, 1, synthetic_seed.standard_catalogue())
        if len(order["shipping_addresses"]) == 1
        and {line["type"] for line in order["products"]} == {"physical"}
        and [t["event"] for t in order["transactions"]] == ["purchase"]
    ]


def with_only_what_is_ordered(stock: Stock, orders: Iterable[Json]) -> Stock:
    """Return a seed or catalogue with the ordered products only, in all their variants.

    A run writes the level of each product to the store, which takes longer than all orders.
    """
    ordered = {line.get("sku") for order in orders for line in order["products"]}
    products = [row for row in stock.products if ordered & _skus(row)]
    known = {sku for row in products for sku in _skus(row)}
    return replace(
        stock,
        products=products,
        items=[row for row in stock.items if row["ItemId"] in known],
        supply=[row for row in stock.supply if row["item"] in known],
    )


def _skus(product: Json) -> set[str]:
    return {product["sku"], *(variant["sku"] for variant in product.get("variants", ()))}


class PairScene(Scene):
    """The connection ``acme`` between two systems of the sandbox, as the local commands make it."""

    def __init__(self, url: str, database: str, store: str, secrets: Path, pair: Pair) -> None:
        self.pair, self.oms_kind = pair, pair.oms
        self.carried = streams_carried(*pair)
        self.pays = "refunds" in platforms.REGISTRY[pair.store].targets
        super().__init__(url, database, store, secrets)
        self.catalogue = synthetic_seed.standard_catalogue()

    def installation_with(self, **sections: Any) -> Installation:
        """Return the configuration that ``lockstep demo`` writes, with changed sections."""
        file = sandbox_process.configure(
            NAME, self.store, self.today - HISTORY, self.url, pair=self.pair, streams=self.carried
        )
        document = yaml.safe_load(file.read_text("utf-8"))
        connection = document["connections"][NAME]
        connection["platform"] |= WITHOUT_WAITS.get(self.pair.store, {})
        connection["inventory"] |= {"catalog_ttl": "PT0S"}
        if "returns" in self.carried and self.pays:
            connection["returns"] = {"limits": LIMITS}
        for name, section in sections.items():
            is_whole = not isinstance(section, dict)
            connection[name] = section if is_whole else connection.get(name, {}) | section
        return Installation.model_validate(document)

    def to_store(self, path: str, body: Any, method: str = "POST") -> Json:
        """Make a control call of the store, in the seed's form."""
        return self._control(method, f"{self.pair.store}/{self.store}/seed/{path}", body)

    def fill(self, count: int, *, dirt: float = 0.0) -> SeedSet:
        """Place orders of every shape, with their catalogue and some registered customers."""
        seed = synthetic_seed.seed_set(count, 7, self.yesterday, 1, dirt=dirt)
        seed.customers = registered.customers(6, 7)
        return self.load(with_only_what_is_ordered(seed, seed.documents()))

    def load(self, seed: SeedSet) -> SeedSet:
        """Place what a seed has."""
        counts = post(self.url, *self.pair.paths(self.store), seed)
        assert counts["orders"] > 0
        return seed

    def simple(self, count: int) -> list[tuple[str, Json]]:
        """Place paid orders that ship to one address; return the store's id and the document."""
        chosen = simple_orders(self.yesterday)[:count]
        assert len(chosen) == count
        ordered = with_only_what_is_ordered(self.catalogue, chosen)
        self.to_store("catalog", ordered.products)
        for name in ("locations", "items", "supply"):
            self.to_oms(name, getattr(ordered, name))
        ids = self.to_store("orders", chosen)["ids"]
        return [(str(each), order) for each, order in zip(ids, chosen, strict=True)]

    def cancel(self, order_id: str) -> None:
        """Cancel an order in the store."""
        self.to_store(f"orders/{order_id}/status", {"status_id": 5})

    def day(self, seed: int, **rates: float) -> None:
        """Let a day pass at the OMS: it allocates, picks, packs, and ships, whole or in parts."""
        self.to_oms("advance", {"to": "day", "seed": seed, **rates})

    # -- what is true

    def systems(self) -> Systems:
        """Return the contents of both systems."""
        ships_only = simulated(self.pair.oms).ships_only
        return Systems(self.url, *self.pair.paths(self.store), ships_only=ships_only)

    def truth_of(self, kind: str) -> Json:
        """Return what a system holds, neutrally."""
        return self._ask(f"{kind}/{self.store}/truth")[0]

    def differences(self) -> dict[str, list[str]]:
        """Return what the two systems hold differently, by stream."""
        systems = self.systems()
        assert self.lockstep is not None
        with self.lockstep.ledger.connect() as db:
            tracked = set(Catalog(db, NAME).tracked_skus())
        found = {
            "orders": verify.order_differences(systems, self.database, NAME),
            "shipments": verify.shipment_differences(systems),
            "inventory": verify.stock_differences(systems, tracked, {}),
            "customers": verify.customer_differences(systems),
        }
        systems.close()
        return {name: rows for name, rows in found.items() if name in self.carried}


OpenPair: TypeAlias = Callable[[Pair], PairScene]
"""Makes the scene of a pair; the fixture ``open_pair`` closes it."""
