"""Checks before a connection goes live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.exchange import Check
from resources.oms.manhattan.adapter import ManhattanOms
from tests.resources.oms.manhattan.conftest import Tenant
from tests.resources.oms.manhattan.orders.test_writer import save
from tests.resources.oms.manhattan.samples import order_of

Connect = Callable[..., ManhattanOms]


def checks_of(oms: ManhattanOms) -> dict[str, Check]:
    """Run all checks."""
    return {check.name: check for check in oms.preflight()}


@pytest.fixture(autouse=True)
def no_faults_left(tenant: Tenant) -> Any:
    """Clear the tenant's faults after each test."""
    yield
    tenant.control("faults", method="DELETE")


def test_the_checks_show_what_they_saw(connect: Connect) -> None:
    """Where there are no orders, and if there are."""
    oms = connect()
    assert checks_of(oms)["orders"].detail == "orders can be searched; there are none"
    save(oms, oms.orders.payload(order_of()))
    checks = checks_of(oms)
    assert "the oldest was changed at 20" in checks["orders"].detail
    assert checks["item master"].detail == "items can be searched, such as SKU-1 in EA"
    assert checks["availability"].detail.endswith("returned 1 row for one item")


@pytest.mark.parametrize(
    ("path", "name"), [("order/save$", "saving orders"), ("/cancel$", "canceling orders")]
)
def test_a_missing_right_to_write_fails_its_check(
    connect: Connect, tenant: Tenant, path: str, name: str
) -> None:
    """Not the first order, or the first cancellation, after the connection went live."""
    tenant.control("faults", {"kind": "status", "status": 403, "path": path})
    checks = checks_of(connect())
    assert [check.name for check in checks.values() if not check.ok] == [name]


def test_rights_to_write_are_tried_without_a_change(connect: Connect, tenant: Tenant) -> None:
    """No order is made or canceled; an answer that says nothing about rights fails no check."""
    before = tenant.control("counts", method="GET")
    checks = checks_of(connect())
    assert {checks[name].detail for name in ("saving orders", "canceling orders")} == {"allowed"}
    after = tenant.control("counts", method="GET")
    assert [after[name] for name in ("creates", "saves", "cancels")] == [
        before[name] for name in ("creates", "saves", "cancels")
    ]
    tenant.control("faults", {"kind": "status", "status": 500, "path": "order/save$"})
    check = checks_of(connect())["saving orders"]
    assert (check.result, check.detail[:31]) == ("warning", "WARNING: could not be checked: ")


def test_an_empty_item_master_fails_its_check(connect: Connect, tenant: Tenant) -> None:
    """Every order line would be rejected."""
    tenant.control(
        "faults",
        {"kind": "status", "status": 200, "path": "item/search$", "body": {"success": True}},
    )
    check = checks_of(connect())["item master"]
    assert (check.ok, "empty" in check.detail) == (False, True)


def test_a_user_that_reaches_other_organisations_is_a_warning(
    connect: Connect, tenant: Tenant
) -> None:
    """The connection works; the role should be smaller."""
    rows = {"success": True, "data": [{"OrderId": "X-1", "OrgId": "OTHER"}]}
    tenant.control(
        "faults", {"kind": "status", "status": 200, "path": "order/search$", "body": rows}
    )
    check = checks_of(connect())["other organisations"]
    assert (check.ok, check.detail.startswith("WARNING")) == (True, True)
    assert "a role of its own" in check.advice


def test_a_check_of_rights_that_is_refused_fails_nothing(connect: Connect, tenant: Tenant) -> None:
    """Whether the tenant allows the query is not known."""
    tenant.control("faults", {"kind": "status", "status": 403, "path": "order/search$"})
    check = checks_of(connect())["other organisations"]
    assert (check.ok, check.detail.startswith("WARNING: could not be checked")) == (True, True)
