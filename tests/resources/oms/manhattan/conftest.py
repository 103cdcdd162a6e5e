"""A simulated Manhattan tenant over real HTTP, and the connector in front of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from resources.http.rate_limit import LocalQuota
from resources.oms.manhattan.adapter import ManhattanOms, build
from resources.secrets import resolve
from sandbox.app import running_sandbox
from tests import loopback
from tests.resources.oms.manhattan.samples import connection_of, settings_of


class Tenant:
    """The tenant's own side: its control endpoints."""

    def __init__(self, url: str, name: str) -> None:
        self.base_url = f"{url}/manhattan/{name}"
        self._control = f"{url}/_sandbox/manhattan/{name}/"

    def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Call a control endpoint that must succeed."""
        answer = loopback.request(method, self._control + path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def effect(self, order_id: str) -> Any:
        """Read what the tenant holds of one order."""
        return self.control(f"effects/order/{order_id}", method="GET")


@pytest.fixture(scope="module")
def sandbox_url() -> Iterator[str]:
    """Run one sandbox for a module's tests."""
    with running_sandbox() as sandbox:
        yield sandbox.url


@pytest.fixture
def tenant(sandbox_url: str, request: pytest.FixtureRequest) -> Tenant:
    """Build a tenant for one test, with three items and stock at two locations."""
    tenant = Tenant(sandbox_url, f"t{zlib.crc32(request.node.name.encode())}")
    tenant.control(
        "items",
        [{"ItemId": f"SKU-{n}", "UOM": "EA", "Description": f"Thing {n}"} for n in (1, 2, 3)],
    )
    rows = [
        {"item": f"SKU-{n}", "location": location, "quantity": 100}
        for n in (1, 2, 3)
        for location in ("DC1", "STORE1")
    ]
    tenant.control("supply", rows)
    return tenant


@pytest.fixture
def connect(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ManhattanOms]]:
    """Build connectors to the tenant: ``connect(settings={...}, inventory={...})``."""
    monkeypatch.setenv("MANHATTAN_CLIENT_SECRET", "sandbox-secret")
    monkeypatch.setenv("MANHATTAN_PASSWORD", "sandbox-password")
    opened: list[ManhattanOms] = []

    def connect(settings: dict[str, Any] | None = None, **sections: Any) -> ManhattanOms:
        sections = {
            "orders": {"order_id_prefix": "T-", "cancel_reason": "Customer Request"},
            **sections,
        }
        oms = build(
            settings_of(tenant.base_url, **(settings or {})),
            connection_of(**sections),
            resolve,
            LocalQuota(),
        )
        assert isinstance(oms, ManhattanOms)
        opened.append(oms)
        return oms

    yield connect
    for oms in opened:
        oms.close()
