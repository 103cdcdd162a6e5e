"""Comparison of what sheets have asked of products with what the store and the ledger show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from domain.listings import new_id
from sandbox.kit.truth import Truth
from tests.chaos.compare import DUPLICATED, LOST, WRONG, Difference
from tests.chaos.facts import Delivery
from tests.chaos.sheets import ORIGINAL, TITLE, Wanted
from tests.chaos.sheets import WRONG as FAULTY

CATALOG = """SELECT v.sku, v.name, p.product_id
    FROM sync.product_variant v JOIN sync.product p USING (connection, product_id)
    WHERE v.connection = %s AND v.sku <> '' AND NOT p.is_gone"""


@dataclass(frozen=True)
class Listed:
    """What was asked for, and the catalog as the ledger has it: SKU -> (title, product)."""

    wanted: Wanted
    catalog: Mapping[str, tuple[str, str]]


def gather_listed(url: str, connection: str, wanted: Wanted) -> Listed:
    """Ask the ledger."""
    with psycopg.connect(url, autocommit=True) as db:
        rows = db.execute(CATALOG, (connection,)).fetchall()
    return Listed(wanted, {sku: (title, product) for sku, title, product in rows})


def listing_differences(
    listed: Listed, store: Truth, deliveries: Sequence[Delivery]
) -> Iterator[Difference]:
    """Return each product that is lost, doubled, or other than asked for, or than the catalog."""
    wanted, products = listed.wanted, store.get("products", [])
    for sku, number in sorted(Counter(row["sku"] for row in products).items()):
        if number > 1:
            yield Difference(DUPLICATED, f"product {sku}", f"the store has {number} of them")
    shown = {row["sku"]: row["name"] for row in products}
    for sku in sorted(wanted.made - shown.keys()):
        yield Difference(LOST, f"product {sku}", "was asked for, and the store does not have it")
    for sku in wanted.misused:
        yield Difference(WRONG, f"product {sku}", "a faulty row was used")
    for sku, titles in sorted(wanted.titles.items()):
        if sku in shown and not _is_right(shown[sku], titles):
            text = f"it is called {shown[sku]}, where {' or '.join(sorted(titles))} was asked for"
            yield Difference(LOST, f"product {sku}", text)
    for sku, title in sorted(shown.items()):
        if title.startswith(FAULTY):
            yield Difference(WRONG, f"product {sku}", "it shows the title of a faulty row")
    yield from _sent(listed, deliveries)
    yield from _catalog(listed, shown)


def _is_right(title: str, titles: set[str]) -> bool:
    return title in titles or (ORIGINAL in titles and not title.startswith(TITLE))


def _sent(listed: Listed, deliveries: Sequence[Delivery]) -> Iterator[Difference]:
    """Compare how often a product was written with how often that was asked for."""
    sent = Counter(
        row.source_id for row in deliveries if (row.stream, row.state) == ("listings", "delivered")
    )
    for sku, times in sorted(listed.wanted.times.items()):
        _, product = listed.catalog.get(sku, ("", ""))
        written = sent[new_id(sku)] + sent[product]
        if written > times:
            text = f"written {written} times, asked for {times} times"
            yield Difference(DUPLICATED, f"product {sku}", text)


def _catalog(listed: Listed, shown: Mapping[str, str]) -> Iterator[Difference]:
    """Compare the catalog with the store: what was written there comes back as a change."""
    for sku in sorted(shown.keys() | listed.catalog.keys()):
        known, _ = listed.catalog.get(sku, ("", ""))
        if sku not in shown:
            yield Difference(WRONG, f"product {sku}", "in the catalog, and not in the store")
        elif known != shown[sku]:
            text = f"called {shown[sku]} in the store, {known or 'nothing'} in the catalog"
            yield Difference(LOST, f"product {sku}", text)
