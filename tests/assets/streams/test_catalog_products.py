"""The stream catalog: what the store sells, by delta and as a whole, and its alignment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assets.streams.listings.sheet import exported
from tests.assets.scene import NAME, Scene

Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "catalog")
OLD = (datetime.now(UTC) - timedelta(days=200)).strftime("%Y-%m-%dT%H:%M:%SZ")
"""Before the scene's first partition."""


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A connection with the stream."""
    scene.configure(streams=STREAMS, catalog={"attributes": {"Hazmat": "HazardClass"}})
    return scene


def sells(scene: Scene, *products: Json) -> None:
    """Put products into the store's catalog, last changed long ago unless they say otherwise."""
    scene.to_store("catalog", [{"date_modified": OLD, "price": 5, **one} for one in products])


def stocks(scene: Scene, *items: Json) -> None:
    """Put items into the OMS's item master."""
    scene.to_oms("items", [{"UOM": "EA", **item} for item in items])


def rows(scene: Scene) -> dict[str, Any]:
    """Return what the ledger knows of the store, by SKU: the name."""
    return dict(scene.sql("SELECT sku, name FROM history.catalog"))


def findings(scene: Scene) -> set[tuple[str, str]]:
    """Return kind and SKU of the last alignment's findings."""
    return set(scene.sql("SELECT kind, sku FROM history.alignment"))


def captures(scene: Scene) -> int:
    """Return how many versions were captured."""
    [(count,)] = scene.sql("SELECT count(*) FROM sync.capture WHERE stream = 'catalog'")
    return int(count)


def test_a_catalog_is_read_as_a_whole_once_and_aligned(shop: Scene) -> None:
    """Also what changed before the first partition; a rerun stores no version twice."""
    shop.to_store("brands", [{"id": 7, "name": "Kiln & Co"}])
    shirt = {
        "id": 900,
        "sku": "TEE",
        "name": "Tee",
        "brand_id": 7,
        "custom_fields": [{"name": "Hazmat", "value": "none"}],
        "variants": [{"sku": "TEE-S"}, {"sku": "TEE-L"}],
    }
    sells(shop, shirt, {"id": 901, "sku": "MUG-9", "name": "Mug"}, {"id": 902, "sku": ""})
    stocks(shop, {"ItemId": "TEE-S"}, {"ItemId": "MUG-9", "UOM": "CS"})
    shop.run("catalog", first=shop.today)
    assert rows(shop).items() >= {"TEE-S": "Tee", "TEE-L": "Tee", "MUG-9": "Mug"}.items()
    assert shop.sql("SELECT DISTINCT brand FROM history.catalog WHERE name = 'Tee'") == [
        ("Kiln & Co",)
    ]
    found = findings(shop)
    assert found >= {
        ("missing_in_oms", "TEE-L"),
        ("no_sku", ""),
        ("uom_mismatch", "MUG-9"),
        ("attribute_missing", "MUG-9"),
    }
    assert ("attribute_missing", "TEE-S") not in found
    before = captures(shop)
    shop.run("catalog", first=shop.today)
    assert captures(shop) == before
    assert findings(shop) == found


def test_changes_and_deletions_are_followed(shop: Scene) -> None:
    """A change by its date, an unannounced one and a deletion by the next whole read."""
    sells(shop, *({"id": 900 + n, "sku": f"A-{n}", "name": "old"} for n in range(3)))
    shop.run("catalog", first=shop.today)
    shop.to_store("catalog", [{"id": 900, "sku": "A-0", "name": "new"}])
    sells(shop, {"id": 901, "sku": "A-1", "name": "silent"})
    shop.to_store("catalog/902", None, "DELETE")
    shop.run("catalog", first=shop.today)
    assert [rows(shop)[f"A-{n}"] for n in range(3)] == ["new", "old", "old"]
    shop.sql_write("UPDATE sync.alignment SET read_at = read_at - interval '2 days'")
    shop.run("catalog", first=shop.today)
    known = rows(shop)
    assert (known["A-0"], known["A-1"]) == ("new", "silent")
    assert "A-2" not in known
    sells(shop, {"id": 902, "sku": "A-2", "name": "back"})
    shop.sql_write("UPDATE sync.alignment SET read_at = read_at - interval '2 days'")
    shop.run("catalog", first=shop.today)
    assert rows(shop)["A-2"] == "back"


def test_an_export_has_each_product_once_by_one_of_its_skus(shop: Scene) -> None:
    """By the newest version; a product without any SKU can't be imported again."""
    group = {"sku": "TEE", "name": "Tee", "variants": [{"sku": "TEE-S"}, {"sku": "TEE-L"}]}
    sells(shop, {"id": 900, "description": "<p>Linen</p>", **group}, {"id": 901, "sku": ""})
    shop.run("catalog", first=shop.today)
    assert shop.lockstep is not None
    with shop.lockstep.sync(NAME, "test").ledger.session(NAME, "catalog") as session:
        rows = {row[0]: row for row in exported(session)}
    assert rows["TEE-S"] == ("TEE-S", "Tee", "<p>Linen</p>", *[""] * 8)
    assert "" not in rows
    assert "TEE-L" not in rows


def test_a_catalog_that_was_not_read_as_a_whole_is_not_aligned(shop: Scene) -> None:
    """The first days of a connection bring only what changed in them; one run aligns once."""
    earlier = shop.yesterday - timedelta(days=1)  # just after midnight, yesterday's is a whole read
    shop.run("catalog", first=earlier, last=earlier)
    assert shop.sql("SELECT aligned_at FROM sync.alignment") == []
    shop.run("catalog", first=shop.yesterday, last=shop.today)
    [(aligned_at, run_id)] = shop.sql("SELECT aligned_at, run_id FROM sync.alignment")
    assert aligned_at is not None
    assert run_id


def test_a_level_alone_makes_no_new_version(shop: Scene) -> None:
    """Stock moves all day; the catalog's versions show what is sold."""
    sells(shop, {"id": 900, "sku": "A-0"})
    shop.run("catalog", first=shop.today)
    before = captures(shop)
    shop.to_store("stock", [{"sku": "A-0", "location_id": 1, "quantity": 77}])
    shop.sql_write("UPDATE sync.alignment SET read_at = read_at - interval '2 days'")
    shop.run("catalog", first=shop.today)
    assert captures(shop) == before


def test_a_whole_read_that_shrinks_too_much_is_an_error(shop: Scene) -> None:
    """Nothing is taken for deleted, and the next read is whole again."""
    sells(shop, *({"id": 900 + n, "sku": f"A-{n:02}"} for n in range(40)))
    shop.run("catalog", first=shop.today)
    shop.sql_write("UPDATE sync.alignment SET read_at = read_at - interval '2 days'")
    body = {"data": [{"id": 939, "sku": "A-39", "name": "x"}]}
    rule = {"kind": "replaced", "status": 200, "body": body, "times": 1}
    shop.fault("bigcommerce", rule | {"path": "/v3/catalog/products"})
    ended = shop.run("catalog", first=shop.today, raise_on_error=False)
    [fault] = ended.failures.values()
    assert "catalog.shrink" in str(fault)
    assert len([sku for sku in rows(shop) if sku.startswith("A-")]) == 40
    shop.run("catalog", first=shop.today)
    assert len([sku for sku in rows(shop) if sku.startswith("A-")]) == 40


def test_a_bad_product_is_a_rejection_and_the_others_go_on(shop: Scene) -> None:
    """The rejection names the field, and closes once the store sends it right."""
    sells(shop, {"id": 900, "sku": "A" * 300}, {"id": 901, "sku": "B", "name": "good"})
    shop.run("catalog", first=shop.today)
    assert shop.open_rejections("catalog") == {"900": "product_invalid"}
    assert rows(shop)["B"] == "good"
    shop.to_store("catalog", [{"id": 900, "sku": "A"}])
    shop.run("catalog", first=shop.today)
    assert shop.open_rejections("catalog") == {}


def test_the_counts_of_an_alignment_are_metadata_of_the_asset(shop: Scene) -> None:
    """As numbers, which the UI plots."""
    sells(shop, {"id": 901, "sku": "MUG-9", "name": "Mug"}, {"id": 902, "sku": ""})
    stocks(shop, {"ItemId": "MUG-9"})
    ended = shop.run_in_dagster("catalog", first=shop.today)
    [delivered] = [
        each.materialization
        for each in ended.get_asset_materialization_events()
        if each.asset_key.path[-1] == "catalog_delivered"
        for each in [each.step_materialization_data]
    ]
    numbers = {name: value.value for name, value in delivered.metadata.items()}
    assert numbers["aligned: matched"] >= 1
    assert numbers["aligned: no_sku"] == 1
