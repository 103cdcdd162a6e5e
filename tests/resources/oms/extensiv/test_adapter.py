"""The adapter against a simulated account: acknowledging, the quota, cancellations, settings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from domain.errors import AccessRefused, RecordRejected
from domain.values import Window
from resources.http.rate_limit import LocalQuota
from resources.http.retries import RetryPolicy
from resources.oms import REGISTRY
from resources.platforms.bigcommerce.statuses import STATUSES
from resources.secrets import resolve
from sandbox.app import RunningSandbox
from tests.conformance.oms.extensiv import System
from tests.conformance.systems import DAY, connection_of
from tests.resources.oms.extensiv.samples import settings_of

README = Path(__file__).parents[4] / "resources/oms/extensiv/README.md"


@pytest.fixture
def account(sandbox: RunningSandbox, tmp_path: Path) -> Iterator[System]:
    """An account of the test's own."""
    made = System(sandbox, tmp_path)
    yield made
    made.close()


def state(account: System, cust_ref: str) -> Any:
    """Return an order's status at the account."""
    return account.control(f"effects/order/{cust_ref}", method="GET")["state"]


def test_only_shipped_orders_are_acknowledged_and_only_once(account: System) -> None:
    """What is partly shipped, new or unknown is left alone; a repetition changes nothing."""
    whole, part, new = account.place([DAY] * 3)
    account.control(f"orders/{whole}/ship", {})
    account.control(f"orders/{part}/ship", {"lines": [{"sku": "SKU-1", "quantity": 1}]})
    source = account.open().sources["shipments"]
    for _ in range(2):
        asyncio.run(source.acknowledge([whole, part, new, "T-999"]))
    assert [state(account, i) for i in (whole, part, new)] == ["confirmed", "partial", "new"]
    assert account.control("counts", method="GET")["confirmed"] == 1


def test_a_refused_acknowledgement_keeps_no_other_back(account: System) -> None:
    """The orders that were refused are named with the account's reason at the end."""
    first, second = account.place([DAY] * 2)
    for cust_ref in (first, second):
        account.control(f"orders/{cust_ref}/ship", {})
    refusal = {"success_code": False, "error_code": "Failure", "message": "The cart is closed"}
    path = f"/cart/orders/update/{first}"
    account.fault(kind="status", status=200, body=refusal, path=path)
    source = account.open().sources["shipments"]
    with pytest.raises(RecordRejected) as caught:
        asyncio.run(source.acknowledge([first, second]))
    [problem] = caught.value.problems
    assert (problem.code, problem.value) == ("confirmation_refused", first)
    assert "The cart is closed" in problem.message
    assert [state(account, i) for i in (first, second)] == ["shipped", "confirmed"]


def test_a_used_up_bucket_is_waited_for(account: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor answers 200; the read is complete all the same."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, _failures: 0.01)
    placed = account.place([DAY])
    refusal = {"success_code": False, "error_code": "RateLimit", "message": "slow down"}
    account.fault(kind="status", status=200, body=refusal, path=account.reads, times=3)
    connector = account.open()
    window = Window(DAY, DAY.replace(hour=1))
    found = [record.source_id for page in account.fetch(connector, window) for record in page]
    assert found == placed
    [rule] = account.control("faults", method="GET")
    assert rule["hits"] == 3


def test_a_key_of_the_wrong_level_is_named_by_the_preflight(account: System) -> None:
    """The two are easily mixed up."""
    account.control("settings", {"cart_key": "another"})
    failed = [check for check in account.open().preflight() if not check.ok]
    assert [check.name for check in failed] == ["cart key"]
    assert "level Cart" in failed[0].advice


def test_a_warehouse_that_holds_nothing_is_named_by_the_preflight(account: System) -> None:
    """A misspelt node would show zero stock forever."""
    connection = account.open()
    section = {
        "kind": "extensiv",
        "base_url": f"{account.url}/v1",
        "merchant": "acme",
        "cart_user": "cart-user",
        "cart_key": account.secret("cart", account.secrets()[0]),
        "merchant_user": "merchant-user",
        "merchant_key": account.secret("merchant", account.secrets()[1]),
    }
    policy = {"mode": "by_node", "nodes": {"EAST": "a", "SOUTH": "b"}}
    connector = REGISTRY["extensiv"]
    built = connector.build(
        connector.settings.model_validate(section),
        connection_of(oms=section, inventory=policy),
        resolve,
        LocalQuota(),
    )
    checks = {check.name: check for check in built.preflight()}
    built.close()
    assert not checks["warehouses"].ok
    assert "SOUTH" in checks["warehouses"].detail
    assert connection.identity == built.identity


def test_connections_to_one_merchant_share_quota_and_ids() -> None:
    """However its address is written; two merchants do not."""
    one = settings_of(base_url="https://API.cartrover.com/v1/").identity
    same = settings_of(base_url="https://api.cartrover.com/v1", merchant="ACME").identity
    other = settings_of(base_url="https://api.cartrover.com/v1", merchant="zeta").identity
    assert one == same
    assert one.overlaps(same)
    assert not one.overlaps(other)
    assert one.bucket != other.bucket


def test_a_misspelt_setting_is_an_error() -> None:
    """It would be ignored otherwise."""
    with pytest.raises(ValidationError):
        settings_of(cart_keys="x")


def test_a_refused_key_stops_an_acknowledgement(account: System) -> None:
    """No order is at fault."""
    [whole] = account.place([DAY])
    account.control(f"orders/{whole}/ship", {})
    source = account.open().sources["shipments"]
    account.control("settings", {"cart_key": "renewed"})
    with pytest.raises(AccessRefused):
        asyncio.run(source.acknowledge([whole]))


def test_the_readme_names_every_status_in_which_an_order_may_go_out() -> None:
    """By its id, as ``orders.export_statuses`` states it, and by its name."""
    text = " ".join(README.read_text("utf-8").split())
    missing = [s.name for s in STATUSES.values() if f"{s.id} {s.name}" not in text]
    assert missing == []
    assert len(STATUSES) >= 13
