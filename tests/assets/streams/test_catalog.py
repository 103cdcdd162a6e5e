"""A catalog that comes back much smaller is an error, and no deletion."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

LAST = {"id": 400, "sku": "ZZ", "inventory_tracking": "product", "inventory_level": 5}


def known(scene: Scene) -> set[str]:
    """Return the SKUs that the ledger has of the store's catalog."""
    return {sku for (sku,) in scene.sql("SELECT sku FROM sync.item WHERE side = 'store'")}


def stocked(scene: Scene, count: int = 30) -> set[str]:
    """Give the store more products, read its catalog, and return the SKUs."""
    products = [{"id": 300 + n, "sku": f"P-{n:02}", "price": "1.00"} for n in range(count)]
    scene.to_store("catalog", [*products, {"id": 400, "sku": "ZZ", "price": "1.00"}])
    scene.run("inventory", first=scene.today)
    skus = known(scene)
    assert len(skus) > count
    return skus


def answer_once(scene: Scene, data: list[Any]) -> None:
    """Let the store's next page of products be this one; the last product ends the list."""
    rule = {"kind": "replaced", "status": 200, "body": {"data": data}, "times": 1}
    scene.fault("bigcommerce", rule | {"path": "/v3/catalog/products"})


def test_a_catalog_that_shrinks_too_much_is_an_error_and_nothing_is_removed(scene: Scene) -> None:
    """The error names both numbers; the next whole read puts everything right."""
    before = stocked(scene)
    answer_once(scene, [LAST])
    failed = scene.run_in_dagster("inventory", first=scene.today, raise_on_error=False)
    assert not failed.success
    assert known(scene) == before
    [failure] = [event for event in failed.all_node_events if event.is_step_failure]
    assert f"came back with 1 records, and the last read had {len(before)}" in str(
        failure.step_failure_data.error
    )
    assert scene.run("inventory", first=scene.today).success
    assert known(scene) == before


def test_an_empty_catalog_is_an_error_too(scene: Scene) -> None:
    """A store that answers with nothing has not deleted everything."""
    before = stocked(scene)
    answer_once(scene, [])
    assert not scene.run("inventory", first=scene.today, raise_on_error=False).success
    assert known(scene) == before


def test_a_real_deletion_is_taken_over_where_it_is_small_or_allowed(scene: Scene) -> None:
    """One product less is not an error; nearly all of them are, until the limit is raised."""
    before = stocked(scene)
    page: list[Any] = [
        {"id": 300 + n, "sku": f"P-{n:02}", "inventory_tracking": "product"} for n in range(30)
    ]
    answer_once(scene, [*page, LAST])
    assert scene.run("inventory", first=scene.today).success
    assert known(scene) == {*(row["sku"] for row in page), "ZZ"} < before

    scene.configure(inventory={"catalog_shrink": 1.0})
    answer_once(scene, [LAST])
    assert scene.run("inventory", first=scene.today).success
    assert known(scene) == {"ZZ"}


@pytest.mark.parametrize("failing", range(2))
def test_a_page_of_which_nothing_can_be_read_is_an_error(scene: Scene, failing: int) -> None:
    """Where all products of a page are bad, the answer is; one bad product is its own fault."""
    before = stocked(scene, 12)
    bad = [{"id": 400 + n, "sku": "X", "inventory_tracking": "sideways"} for n in range(2)]
    good = [] if failing else [LAST | {"id": 402}]
    scene.configure(inventory={"catalog_shrink": 1.0})
    answer_once(scene, [*bad, *good])
    result = scene.run("inventory", first=scene.today, raise_on_error=False)
    assert result.success is not bool(failing)
    if failing:
        assert known(scene) == before
    else:
        assert set(scene.open_rejections("inventory")) == {"product 400", "product 401"}
