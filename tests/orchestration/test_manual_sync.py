"""``lockstep sync-orders`` and ``sync-stock``, and the job ``manual_sync`` of the UI."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from orchestration.manual_sync_job import ManualSyncConfig, manual_sync_job
from orchestration.settings import load
from resources.lockstep import Lockstep
from tests import loopback
from tests.assets.documents import DEPOT
from tests.orchestration.shop import Shop

pytestmark = pytest.mark.slow(seconds=30)


def stock_writes(shop: Shop) -> int:
    """Return how many levels were written at the store."""
    answer = loopback.request("GET", f"{shop.url}/_sandbox/bigcommerce/{shop.store}/counts")
    return int(answer.raise_for_status().json()["inventory_writes"])


def control(shop: Shop, path: str, body: Any) -> None:
    """Make a control call of the tenant."""
    url = f"{shop.url}/_sandbox/manhattan/{shop.store}/{path}"
    loopback.request("POST", url, json=body).raise_for_status()


def test_single_orders_are_synced_both_ways(shop: Shop) -> None:
    """By id or number, each once; others of the day stay if they are."""
    shop.place(1001)
    shop.place(1002)
    printed = shop.done("sync-orders", "demo", "1001")
    assert "1 delivered" in printed
    assert shop.at_oms() == {"1001"}
    control(shop, "orders/1001/ship", {"tracking": "1Z999AA10123456784"})
    printed = shop.done("sync-orders", "demo", "1001")
    assert "shipments" in printed
    states = shop.sql("SELECT stream, action, state FROM sync.delivery ORDER BY claimed_at")
    assert ("shipments", "shipment", "delivered") in states
    saves = shop.saves()
    shop.done("sync-orders", "demo", "1001")
    assert (shop.saves(), shop.at_oms()) == (saves, {"1001"})
    moved = shop.sql("SELECT stream FROM sync.watermark WHERE watermark IS NOT NULL")
    assert moved == [], "no window was read"


def test_an_unknown_order_is_named_and_the_others_go_on(shop: Shop) -> None:
    """The command then ends with 1."""
    shop.place(1001)
    result = shop.run("sync-orders", "demo", "1001", "987654")
    assert result.exit_code == 1
    assert "987654: not found" in result.output
    assert shop.at_oms() == {"1001"}


def test_a_range_of_days_is_read_again(shop: Shop) -> None:
    """Orders and shipments; wrong usage is refused."""
    shop.place(1001)
    day = shop.yesterday.isoformat()
    assert "orders" in shop.done("sync-orders", "demo", "--from", day)
    assert shop.at_oms() == {"1001"}
    for wrong in ((), ("1001", "--from", day), ("--to", day)):
        assert shop.run("sync-orders", "demo", *wrong).exit_code == 2


def test_stock_is_synced_by_sku_or_as_a_whole(shop: Shop) -> None:
    """Only what was asked for is written, and only if it differs."""
    shop.done("sync-stock", "demo")
    before = stock_writes(shop)
    levels = [{"item": sku, "location": DEPOT, "quantity": 7} for sku in ("MUG", "LAMP")]
    control(shop, "supply", levels)
    shop.done("sync-stock", "demo", "--sku", "MUG")
    assert stock_writes(shop) == before + 1
    shop.done("sync-stock", "demo")
    assert stock_writes(shop) == before + 2


def work(shop: Shop, **config: Any) -> dg.ExecuteInProcessResult:
    """Run the job ``manual_sync``."""
    lockstep = Lockstep(load(), lambda: shop.database)
    try:
        return manual_sync_job.execute_in_process(
            run_config={"ops": {"request_sync": {"config": {"connection": "demo"} | config}}},
            resources={"lockstep": lockstep},
            raise_on_error=False,
        )
    finally:
        lockstep.close()


def test_the_job_captures_what_is_named_and_queues_the_rest(shop: Shop) -> None:
    """The sensor of reruns delivers it; who has asked is recorded."""
    shop.place(1001)
    assert work(shop, orders=["1001", "987654"], skus=["MUG"], all_stock=True, who="ann").success
    rows = shop.sql("SELECT stream, source_ids, mode, asked_by FROM sync.rerun ORDER BY rerun_id")
    assert [row[0] for row in rows] == ["orders", "inventory", "inventory"]
    assert (rows[0][1], rows[0][2:]) == (["1001"], ("as_captured", "ann"))
    assert (rows[2][1], rows[2][2:]) == (None, ("re_read", "ann"))
    assert shop.sql("SELECT count(*) FROM sync.capture WHERE stream = 'orders'") == [(1,)]


@pytest.mark.parametrize(
    "config",
    [
        {"who": "ann"},
        {"who": " ", "skus": ["MUG"]},
        {"who": "ann", "orders": ["1"], "connection": "x"},
    ],
)
def test_a_request_that_can_t_be_met_queues_nothing(shop: Shop, config: dict[str, Any]) -> None:
    """And says why."""
    assert not work(shop, **config).success
    assert shop.sql("SELECT count(*) FROM sync.rerun") == [(0,)]


def test_every_field_of_the_launchpad_has_a_description() -> None:
    """An operator without a shell has no other help."""
    fields = ManualSyncConfig.model_fields.items()
    assert [name for name, field in fields if not field.description] == []


def test_a_name_that_is_another_orders_id_at_the_oms_is_read_as_the_stores_own(shop: Shop) -> None:
    """With a prefix of digits; that order was never captured, and the other one is synced, too."""
    shop.change(orders={"shipping_methods": {"Ground": "Ground"}, "order_id_prefix": "9"})
    shop.place(100)
    shop.place(9100)
    shop.done("sync-orders", "demo", "100")
    assert shop.at_oms() == {"9100"}
    shop.done("sync-orders", "demo", "9100")
    assert shop.at_oms() == {"9100", "99100"}
