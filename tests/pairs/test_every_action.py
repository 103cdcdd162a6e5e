"""The same agents' actions over pairs of every platform and every OMS."""

from __future__ import annotations

import pytest

from orchestration.local.simulated import Pair
from tests.assets.actions import act
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.pairs.pair_scene import OpenPair, PairScene

pytestmark = pytest.mark.slow(seconds=30)

PAIRS = [
    Pair("bigcommerce", "manhattan"),
    Pair("commercetools", "manhattan"),
    Pair("commercetools", "extensiv"),
    Pair("commercetools", "anchanto"),
    Pair("salesforce", "extensiv"),
]
"""Every system; each other pair is of two of these, and has nothing of its own here."""


@pytest.fixture
def shop(short_waits: None, request: pytest.FixtureRequest, open_pair: OpenPair) -> PairScene:
    """Make a connection between two systems that no other test uses."""
    return open_pair(request.param)


@pytest.mark.parametrize("shop", PAIRS, ids=lambda pair: f"{pair.store}-{pair.oms}", indirect=True)
def test_an_agent_cancels_an_order_and_holds_another(shop: PairScene) -> None:
    """The OMS does what it can, the store shows it, and a reconciliation agrees."""
    [(first, _), (second, document)] = shop.simple(2)
    shop.run("orders")
    assert act(shop, "cancel", first) == ("done", "")
    changes = "update" in shop_operations(shop)
    held = ("done", "") if changes else ("refused", "action_not_supported")
    number = str(document["id"])
    assert act(shop, "hold", number if shop.pair.store == "bigcommerce" else second) == held
    for _ in range(2):
        shop.run("orders")
        shop.run("shipments")
    canceled = [row["canceled"] for row in shop.truth_of(shop.pair.oms)["orders"]]
    assert sorted(canceled) == [False, True]
    assert shop.differences()["orders"] == []
    assert shop.open_rejections("orders") == shop.open_rejections("actions") == {}
    assert drifts_of(look(shop)) == []


def shop_operations(shop: PairScene) -> set[str]:
    """Return what the OMS's target of orders can do."""
    assert shop.lockstep is not None
    return set(shop.lockstep.sync("acme", "test").oms.targets["orders"].operations)
