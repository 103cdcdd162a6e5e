"""Products of an org as a target of listings: their texts, and what is not theirs."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Held, Intent, ListingSave, Outcome
from domain.errors import AccessRefused
from tests.resources.platforms.salesforce.conftest import Shop

Json = dict[str, Any]


def product(shop: Shop, sku: str = "MUG", **changes: Any) -> str:
    """Sell a product, with some of its fields changed; return its id."""
    [found] = shop.control("catalog", [{"sku": sku}])["ids"]
    if changes:
        shop.control("put/Product2", {"Id": found, **changes})
    return str(found)


def held(shop: Shop, *ids: str) -> dict[str, Held]:
    """Return what the org shows."""

    async def run() -> dict[str, Held]:
        async with shop.connector.targets["listings"].writer(shop.log.append) as writer:
            return await writer.held(dict.fromkeys(ids, ()))

    return asyncio.run(run())


def save(shop: Shop, identifier: str, **texts: str) -> Outcome:
    """Write texts of a product."""

    async def run() -> list[Outcome]:
        async with shop.connector.targets["listings"].writer(shop.log.append) as writer:
            intent = Intent("update", uuid4(), identifier, ListingSave(identifier, texts))
            return await writer.apply([Claimed(intent, "prd-1")])

    [outcome] = asyncio.run(run())
    return outcome


def test_texts_are_written_and_shown(shop: Shop) -> None:
    """Those that are named, and an empty one, too."""
    mug = product(shop)
    assert save(shop, mug, name="Stoneware mug", description="<p>A\nmug</p>").state == "done"
    shown = held(shop, mug)[mug]
    assert (shown.content["name"], shown.content["description"]) == (
        "Stoneware mug",
        "<p>A\nmug</p>",
    )
    assert (shown.target_id, shown.content["skus"]) == (mug, ["MUG"])
    assert save(shop, mug, description="").state == "done"
    assert held(shop, mug)[mug].content["description"] == ""
    assert held(shop, mug)[mug].content["name"] == "Stoneware mug"


@pytest.mark.parametrize(
    "change", [{"IsActive": False}, {"ProductClass": "VariationParent"}, {"IsDeleted": True}]
)
def test_a_product_that_is_not_sold_is_gone(shop: Shop, change: Json) -> None:
    """Also one that is not an id."""
    mug = product(shop, **change)
    for name, found in held(shop, mug, "no id").items():
        assert [problem.code for problem in found.problems] == ["listing_product_gone"], name


def test_what_the_org_refuses_is_the_records_fault(shop: Shop) -> None:
    """A text that is too long, a name that is empty, a product that was deleted meanwhile."""
    mug = product(shop)
    for texts in ({"description": "x" * 4_001}, {"name": ""}):
        outcome = save(shop, mug, **texts)
        assert outcome.state == "refused"
        assert [problem.code for problem in outcome.problems] == ["listing_refused"]
    assert held(shop, mug)[mug].content["description"] == ""
    shop.control("put/Product2", {"Id": mug, "IsDeleted": True})
    outcome = save(shop, mug, name="Mug")
    assert [problem.code for problem in outcome.problems] == ["listing_product_gone"]


def test_a_row_that_is_locked_or_forbidden_is_not_the_records_fault(shop: Shop) -> None:
    """The first is tried again, the second is the whole org's."""
    mug = product(shop)
    for code, state in (
        ("UNABLE_TO_LOCK_ROW", "retry"),
        ("INSUFFICIENT_ACCESS_OR_READONLY", "retry"),
    ):
        row = {"success": False, "errors": [{"statusCode": code, "message": "m", "fields": []}]}
        rule = {"method": "PATCH", "path": "/composite", "kind": "replaced", "status": 200}
        shop.http.post("/faults", json=[rule | {"body": [row], "times": 1}]).raise_for_status()
        outcome = save(shop, mug, name="Mug")
        assert outcome.state == state
        assert isinstance(outcome.fault, AccessRefused) == (code != "UNABLE_TO_LOCK_ROW")
        shop.http.request("DELETE", "/faults")
