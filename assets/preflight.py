"""Checks of a connection's two systems together, before it is started: what one needs of the other.

Each system checks itself (``System.preflight``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from domain.errors import LockstepError, RecordRejected
from domain.exchange import Check, Mapped
from domain.records.catalog import Product, ProductNeed
from domain.values import Window
from resources.sync import Sync

SHOWN = 5
"""Products that a check names; the others are counted."""
LONGEST = 500


class _Need(NamedTuple):
    name: str
    lacks: str
    """What the products are that do not have it."""
    advice: str
    faults: Callable[[Product], str]
    """Describes what of a product lacks it; empty if nothing does."""


@dataclass(slots=True)
class _Found:
    count: int = 0
    shown: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.count += 1
        if len(self.shown) < SHOWN:
            self.shown.append(text)

    def __str__(self) -> str:
        more = f" and {self.count - len(self.shown)} more" if self.count > len(self.shown) else ""
        return ", ".join(self.shown) + more


def product_checks(sync: Sync) -> list[Check]:
    """Return whether the store's products have what the OMS needs; none if it needs nothing.

    The catalog is read as a whole. A product that can't be read is one that lacks it.
    """
    found = {need: _Found() for need in sync.oms.needs}
    if not found:
        return []
    total = 0
    try:
        for product in _products(sync):
            total += 1
            for need, products in found.items():
                text = product if isinstance(product, str) else _NEEDS[need].faults(product)
                if text:
                    products.add(text)
    except LockstepError as error:
        return [Check("products", ok=False, detail=str(error), advice="see the message")]
    return [_check(_NEEDS[need], products, total) for need, products in found.items()]


def new_product_checks(sync: Sync) -> list[Check]:
    """Return whether the OMS's items state what a new product of the store needs.

    None if the connection makes no products of items. Without this each item would be rejected.
    """
    policy = sync.connection.catalog
    if not policy.list_from_oms or policy.create_products == "never":
        return []
    stated = set(sync.items.states)
    if sync.oms.sources.get("prices") is not None:
        stated.add("price")
    needs = sync.listings_target.needs
    missing = " and ".join(name for name in needs if name not in stated)
    name = "new products of items"
    if not missing:
        return [Check(name, ok=True, detail=f"items state what they need: {', '.join(needs)}")]
    return [
        Check(
            name,
            ok=False,
            detail=f"a new product of the store needs a {missing}, which items of the OMS lack",
            advice=f"name the attribute of items with the {missing} in oms.names, or set "
            "catalog.create_products: never",
        )
    ]


def _check(need: _Need, found: _Found, total: int) -> Check:
    if not found.count:
        return Check(need.name, ok=True, detail=f"all {total} products have it")
    detail = f"{found.count} of {total} products {need.lacks}: {found}"
    return Check(need.name, ok=False, detail=detail[:LONGEST], advice=need.advice)


def _products(sync: Sync) -> Iterator[Product | str]:
    """Yield the store's products; of one that can't be read what is wrong with it."""
    now = datetime.now(UTC)
    for page in sync.catalog.fetch(Window(now, now)):
        for record in page.records:
            try:
                mapped = sync.catalog.to_canonical(record.payload)
            except RecordRejected as rejected:
                yield f"product {record.source_id} ({rejected.problems[0].message})"
                continue
            if isinstance(mapped, Mapped):
                yield mapped.record


def _without_sku(product: Product) -> str:
    listed, count = ", ".join(product.without_sku[:SHOWN]), len(product.without_sku)
    more = f" and {count - SHOWN} more" if count > SHOWN else ""
    return f"{_named(product)} ({listed}{more})" if count else ""


def _untracked(product: Product) -> str:
    """Return a product that ships and whose stock the store does not count."""
    is_untracked = any(item.tracking == "none" for item in product.items)
    return _named(product) if is_untracked and not product.is_digital else ""


def _named(product: Product) -> str:
    return f"{product.name or 'product'} {product.product_id}"


_NEEDS: Mapping[ProductNeed, _Need] = {
    "sku": _Need(
        "SKUs of products",
        "have no SKU, or variants without one",
        "give each product and variant in the store its SKU at the OMS: orders for products "
        "without a SKU can't be sent",
        _without_sku,
    ),
    "tracking": _Need(
        "stock tracking of products",
        "are sold without stock tracking",
        "switch on stock tracking for these products in the store: otherwise they show no stock "
        "of the OMS, and its own connector can't confirm their shipments",
        _untracked,
    ),
}
