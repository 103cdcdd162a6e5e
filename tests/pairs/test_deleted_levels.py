"""A level that someone deletes in the store is found by reconciliation, and written again once."""

from __future__ import annotations

import pytest

from orchestration.local.simulated import Pair
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.pairs.pair_scene import OpenPair, PairScene


@pytest.fixture(params=["commercetools", "salesforce"])
def shop(request: pytest.FixtureRequest, short_waits: None, open_pair: OpenPair) -> PairScene:
    """Make a connection between a store whose levels can be deleted and Manhattan."""
    pair = Pair(request.param, "manhattan")
    made = open_pair(pair)
    made.configure()
    return made


def levels(shop: PairScene) -> dict[tuple[str, str], int]:
    """Return what is available in the store."""
    rows = shop.truth_of(shop.pair.store)["levels"]
    return {(row["sku"], row["location"]): row["available"] for row in rows}


def delete(shop: PairScene, sku: str, location: str) -> None:
    """Delete a level by hand."""
    row = {"sku": sku, "location": location, "quantity": None}
    shop._control("POST", f"{shop.pair.store}/{shop.store}/stock", [row])


def test_a_level_that_was_deleted_in_the_store_is_a_drift_and_written_again_once(
    shop: PairScene,
) -> None:
    """Also one of nothing: a store may sell without limit what it has no level of."""
    shop.simple(3)
    shop.run("orders")
    shop.run("inventory")
    first = levels(shop)
    (sku, location), *_ = sorted(first)
    assert drifts_of(look(shop)) == []
    delete(shop, sku, location)
    assert len(levels(shop)) == len(first) - 1

    found = look(shop, repair=True)

    [drift] = found.drifts[:1]
    assert {(one.key[0], one.key[2].partition("@")[0], one.found) for one in found.drifts} == {
        ("differs", sku, "none")
    }
    assert drift.can_repair
    shop.run("inventory")
    assert levels(shop) == first
    assert drifts_of(look(shop)) == []
