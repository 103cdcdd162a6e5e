"""A store's catalog is aligned with the items of each OMS, whichever systems they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.local.simulated import pairs
from resources.systems import streams_carried
from tests.pairs.pair_scene import OpenPair, PairScene, with_only_what_is_ordered

pytestmark = pytest.mark.slow

ALL = [
    pytest.param(pair, id="-".join(pair)) for pair in pairs() if "catalog" in streams_carried(*pair)
]


@pytest.fixture
def shop(request: pytest.FixtureRequest, open_pair: OpenPair) -> PairScene:
    """Make a connection between two systems that no other test uses."""
    return open_pair(request.param)


def found(shop: PairScene) -> dict[str, int]:
    """Return the counts of the last alignment that are not zero."""
    [(counts,)] = shop.sql("SELECT counts FROM sync.alignment")
    return {kind: number for kind, number in counts.items() if number}


@pytest.mark.parametrize("shop", ALL, indirect=True)
def test_what_the_oms_lacks_is_found_until_it_has_it(shop: PairScene) -> None:
    """By each OMS's own way to look items up; a second run finds the same."""
    whole = shop.catalogue
    lines = [{"sku": product["sku"]} for product in whole.products[:6]]
    some = with_only_what_is_ordered(whole, [{"products": lines}])
    skus = {row["ItemId"] for row in some.items}
    [absent, *_] = sorted(skus)
    fewer = replace(
        some,
        items=[row for row in some.items if row["ItemId"] != absent],
        supply=[row for row in some.supply if row["item"] != absent],
    )
    shop.to_store("catalog", fewer.products)
    known = shop.sql("SELECT count(*) FROM sync.item")[0][0]
    for name in ("locations", "items", "supply"):
        shop.to_oms(name, getattr(fewer, name))
    shop.run("catalog", first=shop.today)
    first = found(shop)
    assert known == 0
    assert first["missing_in_oms"] >= 1
    assert absent in {sku for (sku,) in shop.sql("SELECT sku FROM history.alignment")}
    shop.run("catalog", first=shop.today)
    assert found(shop) == first
    shop.to_oms("items", some.items)
    shop.to_oms("supply", some.supply)
    shop.run("catalog", first=shop.today)
    assert absent not in {
        sku
        for (sku,) in shop.sql("SELECT sku FROM history.alignment WHERE kind = 'missing_in_oms'")
    }
