"""Every query of the connector to Salesforce is read by a parser that is not ours.

``soql-parser-js`` runs on Node, installed with the simulation of commercetools.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.prices import OWN_PRICES, PricePlace
from domain.records.inventory import StoreItem
from domain.values import Window
from resources.platforms.salesforce.listings.creation import query_of
from resources.platforms.salesforce.returns.target import REFUND_QUERY
from resources.platforms.salesforce.soql import one_of, quoted, select
from tests.contracts.commercetools_mock import INSTALLED, needs_mock
from tests.resources.platforms.salesforce.conftest import Wire, wire
from tests.resources.platforms.salesforce.products.groups import PRODUCTS, group_of_variations

__all__ = ["wire"]

SCRIPT = Path(__file__).parent / "npm" / "soql.mjs"
PARSER = INSTALLED / "node_modules" / "soql-parser-js"
WINDOW = Window(datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 6, tzinfo=UTC))
STORE, LOCATION = "0ZE000000000001AAA", "131000000000001AAA"


def faults_of(queries: list[str]) -> list[str]:
    """Return what the parser says about each query: nothing, or its error."""
    node = needs_mock()
    if not PARSER.is_dir():
        pytest.skip("needs soql-parser-js (make commercetools-mock installs it)")
    done = subprocess.run(
        [node, str(SCRIPT), str(INSTALLED)],
        input=json.dumps(queries),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said: list[str] = json.loads(done.stdout)
    return said


def queries_of(wire: Wire) -> Iterator[str]:
    """Run everything that the connector reads, and yield the texts of its queries."""
    wire.org.place("1001", "1002")
    [product] = wire.org.control("catalog", [{"sku": "MUG"}])["ids"]
    group_of_variations(wire)
    book = wire.org.control("put/Pricebook2", {"Name": "Wholesale", "IsActive": True})["id"]
    item = StoreItem(sku="MUG", parent_id=product, item_id=None, tracking="product")
    places = [PricePlace(item, name, "USD") for name in (OWN_PRICES, str(book))]
    for changes in (
        {},
        {"sales_store_id": STORE, "reads_po_number": True, "fulfilled_from": LOCATION},
        {"page_size": 1, "reads_pickup_location": False},
        {"sale_pricebooks": {OWN_PRICES: str(book)}, "currency": "USD"},
        {"inventory": {}, "reads_prices": True},
        {"currency": "USD", "reads_prices": True},
        {"products": PRODUCTS, "page_size": 1},
    ):
        connector = wire.open(**changes)
        sources: dict[str, Any] = dict(connector.sources)
        for source in sources.values():
            found = [record.source_id for page in source.fetch(WINDOW) for record in page.records]
            list(source.read(found))
            source.probe(WINDOW.since)
        connector.targets["prices"].prices(places)
        connector.targets["inventory"].levels(["MUG", "it's"])
        connector.preflight()
    yield from sorted({text for call in wire.calls if (text := call.split(" ", 2)[2])})
    yield from (query_of("it's", has_key=has_key) for has_key in (True, False))
    yield f"{REFUND_QUERY} WHERE {one_of('OrderPaymentSummaryId', [STORE, STORE])} ORDER BY Id"
    for text in ("it's", "a\\b", "\n\r\t", "'; DELETE", "ä🙂"):
        yield select("Id", "OrderSummary", f" WHERE Description = {quoted(text)}")


def test_every_query_is_soql_to_another_parser(wire: Wire) -> None:
    """With sub-queries of two levels, keysets, lists of ids and escaped texts."""
    queries = list(queries_of(wire))
    assert len(queries) > 25
    said = faults_of(queries)
    assert [(fault, query) for fault, query in zip(said, queries, strict=True) if fault] == []


@pytest.mark.parametrize(
    "text", ["SELECT Id FROM Account WHERE", "SELECT FROM Account", "SELECT Id FROM A WHERE B = 'x"]
)
def test_the_parser_refuses_what_is_none(text: str) -> None:
    """The control: it finds faults."""
    assert faults_of([text]) != [""]
