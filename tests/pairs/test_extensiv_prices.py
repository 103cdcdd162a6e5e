"""Prices of an account are read in turn, since each costs a call of its bucket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from assets.preview import preview
from assets.reconciliation.run import Report, Request, reconcile
from domain.connections import PRICES
from domain.values import Window
from orchestration.local.simulated import Pair
from resources.ledger.captures.captures import Captures
from resources.ledger.rows import CaptureRow
from resources.oms.extensiv.stock_list import StockList
from tests.assets.prices import price
from tests.assets.reconciliation.comparing import drifts_of
from tests.assets.scene import NAME
from tests.pairs.pair_scene import OpenPair, PairScene
from tests.pairs.test_prices import shown

pytestmark = pytest.mark.slow(seconds=15)

SKUS = ["A-1", "B-2", "C-3", "D-4", "E-5"]


@pytest.fixture
def shop(short_waits: None, open_pair: OpenPair) -> PairScene:
    """Make a connection that reads two prices a run, of five products."""
    pair = Pair("bigcommerce", "extensiv")
    made = open_pair(pair)
    made.configure(
        oms={"prices_a_read": 2},
        prices={"first_price": "send", "max_change": None, "currency": "USD"},
    )
    add(made, *SKUS)
    return made


def add(shop: PairScene, *skus: str) -> None:
    """Sell products in the store that the account has, at 10 each."""
    rows = [{"sku": sku, "name": sku, "price": "1.00", "inventory_level": 5} for sku in skus]
    shop.to_store("catalog", rows)
    shop.to_oms("items", [{"sku": sku} for sku in skus])
    shop.to_oms("prices", [price(sku, 10) for sku in skus])


def sent(shop: PairScene, *skus: str) -> list[str]:
    """Return which products the store sells at the account's price."""
    return [sku for sku, (regular, _) in sorted(shown(shop, list(skus)).items()) if regular == "10"]


def products_read(shop: PairScene) -> int:
    """Return how many calls for a product the account has had."""
    return int(shop.oms_counts()["requests"].get("product", 0))


def test_every_product_has_its_turn_and_a_lost_run_skips_none(shop: PairScene) -> None:
    """Two a run, from the start again at the end; a run that fails reads the same again."""
    whole = [*SKUS, "E-6"]
    for number in (2, 4):
        shop.run("prices", first=shop.today)
        assert sent(shop, *SKUS) == SKUS[:number]
    rule = {"kind": "status", "status": 500, "method": "GET", "path": "/product/"}
    shop.fault("extensiv", rule)
    shop.run("prices", first=shop.today, raise_on_error=False)
    assert sent(shop, *SKUS) == SKUS[:4]
    shop.fault("extensiv")
    add(shop, "E-6")
    shop.run("prices", first=shop.today)
    assert sent(shop, *whole) == whole
    before = len(shop.deliveries("prices"))
    for _ in range(3):
        shop.run("prices", first=shop.today)
    assert len(shop.deliveries("prices")) == before, "an unchanged price is not sent"


def test_what_was_read_and_not_captured_is_read_again(
    shop: PairScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that dies in between takes no product's turn."""
    add = Captures.add

    def killed(self: Captures, rows: Sequence[CaptureRow], run_id: str) -> int:
        if rows and self._stream == PRICES:
            raise RuntimeError("killed")
        return add(self, rows, run_id)

    monkeypatch.setattr(Captures, "add", killed)
    shop.run("prices", first=shop.today, raise_on_error=False)
    monkeypatch.undo()
    shop.run("prices", first=shop.today)
    assert sent(shop, *SKUS) == SKUS[:2]


def test_a_turn_that_is_cut_short_by_another_number_leaves_nothing_out(
    shop: PairScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More products a run were read and not captured; then a run reads fewer."""
    add = Captures.add

    def killed(self: Captures, rows: Sequence[CaptureRow], run_id: str) -> int:
        if rows and self._stream == PRICES:
            raise RuntimeError("killed")
        return add(self, rows, run_id)

    a_read(shop, 4)
    monkeypatch.setattr(Captures, "add", killed)
    shop.run("prices", first=shop.today, raise_on_error=False)
    monkeypatch.undo()
    a_read(shop, 1)
    for number in range(1, len(SKUS) + 1):
        shop.run("prices", first=shop.today)
        assert sent(shop, *SKUS) == SKUS[:number]


def a_read(shop: PairScene, number: int) -> None:
    """Set how many products a run reads."""
    prices = {"first_price": "send", "max_change": None, "currency": "USD"}
    shop.configure(oms={"prices_a_read": number}, prices=prices)


def test_a_product_that_can_not_be_read_holds_no_other_one_up(shop: PairScene) -> None:
    """It is a rejection until it can be read in its next turn, and its price is not gone."""
    rule = {"kind": "status", "status": 500, "method": "GET", "path": "/product/A-1"}
    for written in (10, 20):
        shop.to_oms("prices", [price("A-1", written)])
        shop.fault("extensiv", rule)
        for _ in range(2):
            shop.run("prices", first=shop.today)
        assert set(SKUS[1:4]) <= set(sent(shop, *SKUS))
        assert shop.open_rejections("prices") == {"A-1@": "oms_payload_unreadable"}
        assert float(shown(shop, SKUS)["A-1"][0]) == (1 if written == 10 else 10)
        shop.fault("extensiv")
        everything(shop)
        shop.run("prices", first=shop.today)
        assert float(shown(shop, SKUS)["A-1"][0]) == written
        assert shop.open_rejections("prices") == {}


def everything(shop: PairScene) -> None:
    """Read all products in each run from now on."""
    shop.configure(
        oms={"prices_a_read": 50},
        prices={"first_price": "send", "max_change": None, "currency": "USD"},
    )


def test_a_price_that_is_not_set_leaves_the_stores_alone(shop: PairScene) -> None:
    """Nor does one that is taken away."""
    shop.to_oms("prices", [price("A-1", 0)])
    shop.run("prices", first=shop.today)
    assert shown(shop, SKUS)["A-1"][0] == "1"
    assert sent(shop, *SKUS) == ["B-2"]
    shop.to_oms("prices", [price("B-2", 0)])
    for _ in range(3):
        shop.run("prices", first=shop.today)
    assert sent(shop, *SKUS) == SKUS[1:]
    assert shop.open_rejections("prices") == {}


def test_a_price_that_grows_tenfold_is_a_change(shop: PairScene) -> None:
    """Written as a whole number, without decimals, or with them."""
    everything(shop)
    for written in (10, 100, "1000.00", 10):
        shop.to_oms("prices", [price("A-1", written)])
        shop.run("prices", first=shop.today)
        assert float(shown(shop, SKUS)["A-1"][0]) == float(written)


def reconciled(shop: PairScene) -> Report:
    """Reconcile the prices of today."""
    assert shop.lockstep is not None
    sync = shop.lockstep.sync(NAME, "reconciliation")
    return reconcile(sync, Request(shop.today, (PRICES,), confirm_seconds=0))


def test_a_reconciliation_looks_at_the_products_whose_turn_it_is(shop: PairScene) -> None:
    """It has no more calls than a run; a price that was set by hand is found and named."""
    for _ in range(3):
        shop.run("prices", first=shop.today)
    before = products_read(shop)
    assert drifts_of(reconciled(shop)) == []
    assert 0 < products_read(shop) - before <= 2


def test_a_reconciliation_looks_at_every_product_in_time(shop: PairScene) -> None:
    """Its turn is its own: the stream's may stand at the same products each day."""
    for _ in range(3):
        shop.run("prices", first=shop.today)
    row = {"sku": "E-5", "name": "E-5", "price": "99.00", "inventory_level": 5}
    shop.to_store("catalog", [row])
    found = [drift for _ in range(3) for drift in drifts_of(reconciled(shop))]
    assert [drift[:2] for drift in found] == [("differs", "price")]


def test_a_preview_reads_no_more_products_than_a_run(shop: PairScene) -> None:
    """More would use up the bucket that the connection's first runs need."""
    assert shop.lockstep is not None
    before = products_read(shop)
    sync, now = shop.lockstep.sync(NAME, "preview"), datetime.now(UTC)
    found = list(preview(sync, PRICES, Window(now, now)))
    assert found
    assert products_read(shop) - before <= 2


def test_a_preflight_looks_at_the_price_of_a_product_with_stock(shop: PairScene) -> None:
    """It warns if that has none, and stops a connection whose products can't be read."""

    def said() -> tuple[bool, str]:
        assert shop.lockstep is not None
        checks = shop.lockstep.sync(NAME, "preflight").oms.preflight()
        [found] = [check for check in checks if check.name == "prices"]
        return found.ok, found.detail

    shop.to_oms("supply", [{"item": "A-1", "location": "EAST", "quantity": 5}])
    assert said() == (True, "retail_price is the price, such as 10 of A-1")
    shop.to_oms("prices", [price("A-1", 0)])
    assert said() == (True, "WARNING: the product's retail_price is not set at A-1")
    shop.fault("extensiv", {"kind": "status", "status": 403, "method": "GET", "path": "/product"})
    assert not said()[0]


def test_a_preflight_of_an_account_without_any_stock_warns(
    shop: PairScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new merchant has none yet, and may connect."""
    monkeypatch.setattr(StockList, "everything", lambda *_: iter(()))
    shop.configure(inventory={"mode": "by_node", "nodes": {"EAST": "a"}})
    assert shop.lockstep is not None
    checks = shop.lockstep.sync(NAME, "preflight").oms.preflight()
    assert all(check.ok for check in checks)
    warned = [check.name for check in checks if "WARNING: no SKU has stock" in check.detail]
    assert warned == ["stock", "warehouses", "prices"]
