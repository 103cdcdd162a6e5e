"""Items at a tenant: a save creates or changes what it names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from domain.delivery import Claimed, Intent, ItemSave, Outcome
from domain.exchange import Mapped
from domain.values import Window
from resources.oms.manhattan.adapter import ManhattanOms
from tests.resources.oms.manhattan.conftest import Tenant

Connect = Callable[..., ManhattanOms]


def save(oms: ManhattanOms, item: ItemSave) -> Outcome:
    """Save an item."""

    async def run() -> list[Outcome]:
        async with oms.targets["catalog"].writer(lambda _: None) as writer:
            claimed = Claimed(Intent("save", uuid4(), item.sku, item), "prd-1")
            found: list[Outcome] = await writer.apply([claimed])
            return found

    [outcome] = asyncio.run(run())
    return outcome


def listed(oms: ManhattanOms) -> dict[str, Any]:
    """Return all items of the tenant by SKU, by a whole read."""
    source = oms.sources["catalog"]
    moment = oms.clock()
    pages = list(source.fetch(Window(moment, moment)))
    assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]
    mapped = [source.to_canonical(one.payload) for page in pages for one in page.records]
    return {one.record.sku: one.record for one in mapped if isinstance(one, Mapped)}


def test_a_saved_item_is_listed_with_its_unit(connect: Connect, tenant: Tenant) -> None:
    """Empty attributes are not sent, so that they stay."""
    oms = connect()
    item = ItemSave("CUP-7", "EA", "Cup", "", "", {"HazardClass": "none"})
    assert save(oms, item).state == "done"
    found = listed(oms)["CUP-7"]
    assert (found.uom, found.description) == ("EA", "Cup")
    oms.close()


def test_a_refused_item_is_its_own_problem(connect: Connect, tenant: Tenant) -> None:
    """With the tenant's code."""
    oms = connect()
    outcome = save(oms, ItemSave("CUP-8", "EA", "x" * 5_000, "", "", {}))
    assert outcome.state == "refused"
    assert outcome.problems[0].code.startswith("oms_")
    oms.close()
