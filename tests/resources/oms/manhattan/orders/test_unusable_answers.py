"""A tenant's success without a usable envelope: the effect is unknown, the upsert is repeated."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import RecordRejected
from domain.exchange import OutcomeUnknown
from resources.http.retries import RetryPolicy
from resources.oms.manhattan.client import open_envelope
from tests.resources.oms.manhattan.conftest import Tenant
from tests.resources.oms.manhattan.orders.test_writer import Connect, cancel, save
from tests.resources.oms.manhattan.samples import order_of

UNUSABLE: dict[str, Any] = {
    "HTML": "<!DOCTYPE html><title>Maintenance</title>",
    "empty": "",
    "truncated": '{"success": true, "data": {',
    "no envelope": {},
    "without success": {"data": {"OrderId": "T-1001"}, "messages": None},
    "a list": [],
    "null": "null",
    "success of another kind": {"success": "yes"},
}
bodies = pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE.keys())
SAVE, CANCEL, READ = "order/save$", "/cancel$", "orderId/T-1001$"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry within hundredths of a second."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)


def answer(tenant: Tenant, path: str, body: Any, times: int | None = None) -> None:
    """Let calls take effect and be answered with 200 and this body."""
    rule = {"kind": "replaced", "status": 200, "body": body, "path": path, "times": times}
    tenant.control("faults", rule)


@bodies
def test_a_save_without_a_usable_answer_is_unknown(
    connect: Connect, tenant: Tenant, body: Any
) -> None:
    """Not a failure, and not a refusal either: the order is there."""
    oms = connect()
    answer(tenant, SAVE, body)
    with pytest.raises(OutcomeUnknown):
        save(oms, oms.orders.payload(order_of()))
    assert tenant.effect("T-1001")["creates"] == 1


@bodies
def test_a_save_is_repeated_until_its_answer_can_be_used(
    connect: Connect, tenant: Tenant, body: Any
) -> None:
    """One such answer costs one more request and creates no second order."""
    oms = connect()
    answer(tenant, SAVE, body, times=1)
    assert save(oms, oms.orders.payload(order_of())).target_id == "T-1001"
    assert tenant.effect("T-1001")["creates"] == 1


@bodies
def test_a_cancellation_without_a_usable_answer_is_unknown(
    connect: Connect, tenant: Tenant, body: Any
) -> None:
    """The order is canceled all the same."""
    oms = connect()
    save(oms, oms.orders.payload(order_of()))
    answer(tenant, CANCEL, body)
    with pytest.raises(OutcomeUnknown):
        cancel(oms, "T-1001")
    assert tenant.effect("T-1001")["canceled"]


NOT_READ: dict[str, dict[str, Any]] = {
    "HTML": {"kind": "replaced", "status": 200, "body": UNUSABLE["HTML"]},
    "503": {"kind": "status", "status": 503},
    "404 without envelope": {"kind": "status", "status": 404, "body": "<h1>Not found</h1>"},
    "403": {"kind": "status", "status": 403},
}


@pytest.mark.parametrize("fault", NOT_READ.values(), ids=NOT_READ.keys())
def test_a_cancellation_whose_order_cannot_be_read_afterwards_is_unknown(
    connect: Connect, tenant: Tenant, fault: dict[str, Any]
) -> None:
    """It was taken; that its result can't be read must not stop the other orders."""
    oms = connect()
    save(oms, oms.orders.payload(order_of()))
    answer(tenant, CANCEL, {"success": True, "data": None})
    tenant.control("faults", {"path": READ, "method": "GET", "times": None} | fault)
    with pytest.raises(OutcomeUnknown):
        cancel(oms, "T-1001")


def test_a_refusal_without_a_reason_is_still_a_refusal(connect: Connect, tenant: Tenant) -> None:
    """``success: false`` says what holds, with or without messages."""
    oms = connect()
    rule = {"kind": "status", "status": 200, "body": {"success": False}, "path": SAVE}
    tenant.control("faults", rule)
    with pytest.raises(RecordRejected):
        save(oms, oms.orders.payload(order_of()))


def test_an_error_without_success_is_a_refusal() -> None:
    """An entry of type ERROR is a failure whatever the rest says."""
    body = b'{"messages": {"Message": [{"Type": "ERROR", "Code": "X"}]}}'
    assert [error.code for error in open_envelope(body).errors] == ["X"]
    with pytest.raises(ValueError, match="no success"):
        open_envelope(b'{"messages": {"Message": [{"Type": "INFO", "Code": "X"}]}}')
