"""Texts and pictures of products: what the store shows of them, and how they are changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Held, Intent, ListingSave, Outcome
from resources.http.retries import RetryPolicy
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import platform

PICTURES = ("https://img.example.com/1.jpg", "https://img.example.com/2.jpg")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry within hundredths of a second."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)


def use(shop: Shop, work: Callable[[Any], Any]) -> Any:
    """Open the store's products and use the writer."""

    async def run() -> Any:
        store = platform(shop.url)
        async with store.targets["listings"].writer(lambda _: None) as writer:
            found = await work(writer)
        store.close()
        return found

    return asyncio.run(run())


def save(shop: Shop, save: ListingSave) -> Outcome:
    """Change a product."""
    claimed = [Claimed(Intent("update", uuid4(), save.product_id, save), "prd-1")]
    [found] = use(shop, lambda writer: writer.apply(claimed))
    return found


def held(shop: Shop, *ids: str) -> dict[str, Held]:
    """Return what products show."""
    found: dict[str, Held] = use(shop, lambda writer: writer.held(dict.fromkeys(ids, ())))
    return found


def test_a_product_shows_what_was_saved_and_keeps_the_rest(shop: Shop) -> None:
    """Pictures as their number; one that the store lacks has a problem."""
    shop.control("POST", "catalog", [{"id": 11, "sku": "A", "name": "Mug", "warranty": "1 year"}])
    assert save(shop, ListingSave("11", {"name": "Cup"}, PICTURES)).state == "done"
    found = held(shop, "11", "12", "x")
    shown = {"name": "Cup", "description": "", "warranty": "1 year", "images": 2, "skus": ["A"]}
    assert found["11"] == Held("11", shown)
    codes = [problem.code for name in ("12", "x") for problem in found[name].problems]
    assert codes == ["listing_product_gone"] * 2


def test_a_product_is_named_by_its_own_sku_and_those_of_its_variants(shop: Shop) -> None:
    """A variant without one has none."""
    variants = [{"sku": "TEE-S"}, {"sku": ""}, {"sku": "TEE-L"}]
    shop.control("POST", "catalog", [{"id": 12, "sku": "TEE", "name": "T", "variants": variants}])
    assert held(shop, "12")["12"].content["skus"] == ["TEE", "TEE-S", "TEE-L"]


def test_a_refusal_is_the_products_own(shop: Shop) -> None:
    """A product that was deleted meanwhile."""
    outcome = save(shop, ListingSave("99", {"name": "Cup"}))
    assert outcome.state == "refused"
    assert [problem.code for problem in outcome.problems] == ["listing_refused"]
