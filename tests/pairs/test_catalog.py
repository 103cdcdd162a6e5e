"""A store's catalog is aligned with the items of each OMS, whichever systems they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from orchestration.local.simulated import pairs
from resources.systems import streams_carried
from sandbox.app import RunningSandbox
from tests.pairs.pair_scene import PairScene, with_only_what_is_ordered

pytestmark = pytest.mark.slow

ALL = [
    pytest.param(pair, id="-".join(pair)) for pair in pairs() if "catalog" in streams_carried(*pair)
]


@pytest.fixture
def shop(
    sandbox: RunningSandbox,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[PairScene]:
    """Make a connection between two systems that no other test uses."""
    monkeypatch.setenv("LOCKSTEP_HOME", str(tmp_path))
    made = PairScene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path, request.param)
    yield made
    made.close()


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
