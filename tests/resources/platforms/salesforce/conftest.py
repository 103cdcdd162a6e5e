"""A connector to a simulated org, in this process: HTTP without a socket."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from resources.http.rate_limit import LocalQuota
from resources.http.retries import RetryPolicy
from resources.platforms.salesforce.adapter import Salesforce
from sandbox.platforms.salesforce.org import Org
from sandbox.system import Request
from tests.resources.platforms.salesforce.orgs import connection, settings
from tests.sandbox.simulated_org import Caller

HOST = "https://acme.my.salesforce.com"


class Wire:
    """The org's calls, and the connector that makes them."""

    def __init__(self) -> None:
        self.org = Caller()
        self.calls: list[str] = []
        """Method and path, with the query's text, of each call but those for tokens."""
        self.quota = LocalQuota()

    def open(self, **changes: Any) -> Salesforce:
        """Build a connector."""
        made = settings(inventory_location="WAREHOUSE", **changes)
        sections = {"streams": ["orders", "inventory", "shipments", "customers"]}
        secret = f"sandbox-secret-{self.org.org.instance}"
        transport = httpx.MockTransport(self._answer)
        return Salesforce(made, connection(**sections), lambda _: secret, self.quota, transport)

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
        body = answer.body.replace(b"http://acme.my.salesforce.com/salesforce/acme", HOST.encode())
        return httpx.Response(answer.status, content=body, headers=answer.headers)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Return an org that no other test uses."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, _failures: 0.0)
    return Wire()
