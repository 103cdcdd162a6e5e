"""A level that someone deletes in the store is found by reconciliation, and written again once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from orchestration.local.simulated import Pair
from sandbox.app import RunningSandbox
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.pairs.pair_scene import PairScene


@pytest.fixture(params=["commercetools", "salesforce"])
def shop(
    request: pytest.FixtureRequest,
    sandbox: RunningSandbox,
    database: str,
    tmp_path: Path,
    short_waits: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[PairScene]:
    """Make a connection between a store whose levels can be deleted and Manhattan."""
    monkeypatch.setenv("LOCKSTEP_HOME", str(tmp_path))
    pair = Pair(request.param, "manhattan")
    made = PairScene(sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path, pair)
    made.configure()
    yield made
    made.close()


def levels(shop: PairScene) -> dict[tuple[str, str], int]:
    """Return what is available in the store."""
    truth = shop._ask(f"{shop.pair.store}/{shop.store}/truth")
    rows = truth[0]["levels"] if isinstance(truth, list) else truth["levels"]
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
