"""Connectors to a simulated org: in this process without a socket, and to a running sandbox."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from domain.delivery import Claimed, Outcome
from domain.exchange import Exchange, ShipmentLine, ShipmentRequest
from resources.http.rate_limit import LocalQuota
from resources.http.retries import RetryPolicy
from resources.platforms.salesforce.adapter import Salesforce
from sandbox.app import RunningSandbox
from sandbox.platforms.salesforce.org import Org
from sandbox.system import Request
from tests import loopback
from tests.resources.platforms.salesforce.orgs import connection, settings
from tests.sandbox.simulated_org import Caller, an_order

Json = dict[str, Any]
HOST = "https://acme.my.salesforce.com"
UPS = "1Z5R89390357567127"


class Wire:
    """The org's calls, and the connector that makes them."""

    def __init__(self) -> None:
        self.org = Caller()
        self.calls: list[str] = []
        """Method and path, with the query's text, of each call but those for tokens."""
        self.quota = LocalQuota()
        self.secret = f"sandbox-secret-{self.org.org.instance}"
        """The client's secret, or its private key."""

    def open(self, **changes: Any) -> Salesforce:
        """Build a connector."""
        made = settings(**{"inventory_location": "WAREHOUSE"} | changes)
        streams = ["orders", "inventory", "shipments", "customers", "returns", "prices", "catalog"]
        sections = {"streams": streams, "returns": {"refunds": "none"}}
        transport = httpx.MockTransport(self._answer)
        return Salesforce(
            made, connection(**sections), lambda _: self.secret, self.quota, transport
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if "oauth2" not in request.url.path:
            self.calls.append(
                f"{request.method} {request.url.path} {request.url.params.get('q', '')}"
            )
        params = {name: request.url.params.get_list(name) for name in request.url.params}
        headers = {name.lower(): value for name, value in request.headers.items()}
        org: Org = self.org.org
        answer = org.handle(
            Request(request.method, request.url.path, params, headers, request.content)
        )
        body = re.sub(rb"http://[^/]+/salesforce/acme", HOST.encode(), answer.body)
        return httpx.Response(answer.status, content=body, headers=answer.headers)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Return an org that no other test uses."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, _failures: 0.0)
    return Wire()


class Shop:
    """One org of the running sandbox, and a connector to it."""

    def __init__(self, sandbox: RunningSandbox, *, secret: str = "", **changes: Any) -> None:
        self.name = f"o{uuid4().hex[:10]}"
        url = f"{sandbox.url}/salesforce/{self.name}"
        self.http = loopback.client(f"{sandbox.url}/_sandbox/salesforce/{self.name}")
        made = settings(my_domain=url, inventory_location="WAREHOUSE", **changes)
        secret = secret or f"sandbox-secret-{self.name}"
        self.connector = Salesforce(made, connection(), lambda _: secret, LocalQuota(), None)
        self.log: list[Exchange] = []

    def control(self, path: str, body: object = None, method: str = "POST") -> Any:
        """Make a control call."""
        answer = self.http.request(method, f"/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return (
            answer.json()
            if answer.headers["content-type"].startswith("application/json")
            else [orjson.loads(line) for line in answer.content.splitlines()]
        )

    def rows(self, name: str) -> list[Json]:
        """Return all records of an object."""
        found: list[Json] = self.control(f"dump/{name}", method="GET")
        return found

    def place(self, number: str = "1001", **changes: Any) -> str:
        """Place an order, and return its id."""
        identifier: str = self.control("orders", [an_order(number, **changes)])["ids"][0]
        return identifier

    def parcel(self, order: str, tracking: str = UPS, units: int = 1) -> ShipmentRequest:
        """Return a parcel of the order's first item."""
        items = [row for row in self.rows("OrderItemSummary") if row["OrderSummaryId"] == order]
        item = min(items, key=lambda row: str(row["Id"]))
        lines = (ShipmentLine(item["Id"], units),)
        return ShipmentRequest(order, item["OrderDeliveryGroupSummaryId"], lines, tracking, "ups")

    def apply(self, stream: str, *claimed: Claimed) -> list[Outcome]:
        """Write, each claim by a call of its own but for stock."""

        async def run() -> list[Outcome]:
            target: Any = self.connector.targets[stream]  # type: ignore[literal-required]
            async with target.writer(self.log.append) as writer:
                if stream == "inventory":
                    return list(await writer.apply(claimed))
                calls: list[Awaitable[list[Outcome]]] = [writer.apply([one]) for one in claimed]
                return [outcome for found in await asyncio.gather(*calls) for outcome in found]

        return asyncio.run(run())


@pytest.fixture
def open_shop(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Shop]]:
    """Return a function that opens an org with changed settings."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, _failures: 0.0)
    opened: list[Shop] = []

    def open_one(**changes: Any) -> Shop:
        opened.append(Shop(sandbox, **changes))
        return opened[-1]

    yield open_one
    for shop in opened:
        shop.connector.close()
        shop.http.close()


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    """Return an org that no other test uses."""
    return open_shop()
