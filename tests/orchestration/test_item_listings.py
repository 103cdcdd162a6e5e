"""Tests of ``lockstep catalog from-oms``: the OMS's items, listed in the store."""

from __future__ import annotations

from typing import Any

import pytest

from tests import loopback
from tests.orchestration.shop import Shop

pytestmark = [pytest.mark.slow(seconds=15), pytest.mark.usefixtures("direct_runs")]

Json = dict[str, Any]


@pytest.fixture
def listing(shop: Shop) -> Shop:
    """A connection that lists items, with one that the store lacks and one that it sells."""
    shop.change(
        streams=["orders", "inventory", "shipments", "catalog", "listings"],
        catalog={
            "list_from_oms": True,
            "create_products": "visible",
            "oms_fields": ["title"],
        },
        prices={"currency": "USD"},
        oms={"names": {"item_weight": "Weight"}},
    )
    shop._control(f"bigcommerce/{shop.store}/catalog", [{"id": 900, "sku": "JAR", "name": "Jar"}])
    items = [
        {"ItemId": "CUP", "UOM": "EACH", "Description": "Cup", "Weight": 1},
        {"ItemId": "JAR", "UOM": "EACH", "Description": "Pot"},
        {"ItemId": "BARE", "UOM": "EACH"},
    ]
    shop._control(f"manhattan/{shop.store}/items", items)
    price = {"CurrencyCode": "USD", "BasePrice": "5.00"}
    shop._control(f"manhattan/{shop.store}/prices", [{"ItemId": "CUP"} | price])
    return shop


def names(shop: Shop) -> list[str]:
    """Return the names of the store's products."""
    url = f"{shop.url}/_sandbox/bigcommerce/{shop.store}/products"
    return [str(row["name"]) for row in loopback.request("GET", url).json()["products"]]


def read_catalog(shop: Shop) -> None:
    """Let the ledger know the store's products."""
    today = shop.today.isoformat()
    shop.done("replay", "demo", "--streams", "catalog", "--from", today, "--to", today)


def test_named_items_are_listed_and_each_has_a_result(listing: Shop) -> None:
    """A dry run writes nothing; one that the OMS lacks, or that lacks a title, is named."""
    early = listing.run("catalog", "from-oms", "demo", "CUP")
    assert early.exit_code == 1
    assert "has not been read completely yet" in early.output
    read_catalog(listing)
    asked = ("catalog", "from-oms", "demo", "CUP", "JAR", "BARE", "NONE")
    dry = listing.run(*asked, "--dry-run")
    assert dry.exit_code == 1
    for text in ("would be created: title, price", "would be changed: title", "no item with"):
        assert text in " ".join(dry.output.split())
    assert "not used: the listing changes nothing" in " ".join(dry.output.split())
    assert not {"Cup", "Pot"} & set(names(listing))
    assert listing.sql("SELECT count(*) FROM sync.capture WHERE stream = 'listings'") == [(0,)]

    result = listing.run(*asked)
    assert result.exit_code == 1
    assert result.output.count("done") == 2
    assert {"Cup", "Pot"} <= set(names(listing))
    assert "create" in listing.done("trace", "item:CUP", "--entity", "product")
    assert listing.done("catalog", "from-oms", "demo", "CUP").count("done") == 1
    assert names(listing).count("Cup") == 1


def test_all_items_that_changed_are_listed(listing: Shop) -> None:
    """What a dry run has shown; after that nothing is left."""
    read_catalog(listing)
    dry = listing.run("catalog", "from-oms", "demo", "--dry-run")
    assert dry.exit_code == 1
    assert "would be changed: " in dry.output
    text = listing.done("catalog", "from-oms", "demo")
    assert "delivered" in text
    assert {"Cup", "Pot"} <= set(names(listing))
    assert listing.sql(
        "SELECT source_id, code FROM sync.rejection WHERE stream = 'listings' AND state = 'open'"
    ) == [("item:BARE", "listing_empty")]
    again = listing.done("catalog", "from-oms", "demo", "--dry-run")
    assert "would be compared with the store: title" in again, "the catalog does not know it yet"
    read_catalog(listing)
    again = listing.done("catalog", "from-oms", "demo", "--dry-run")
    assert "nothing to write" in again
