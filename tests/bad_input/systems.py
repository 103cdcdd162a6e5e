"""A store and an OMS that serve given records byte for byte to the connectors' HTTP clients."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import httpx
import orjson

from domain.values import Window
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.http.retries import RetryPolicy
from resources.oms.manhattan.orders.search import OrderSearch
from resources.platforms.bigcommerce.adapter import BigCommerce, build
from tests.resources.oms.manhattan.samples import settings_of
from tests.resources.platforms.bigcommerce.stores import connection, settings

Answer = Callable[[httpx.Request], httpx.Response]
START = datetime(2026, 3, 19, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
_BOUNDS = re.compile(r"\w+ >= '([^']+)'(?: and \w+ < '([^']+)')?")
ONCE = RetryPolicy(enabled=False)


class Listed(NamedTuple):
    """A record of a list: its sort key and its bytes."""

    key: int
    body: bytes


def store_of(records: Sequence[Listed]) -> Answer:
    """Serve the order list in pages, ascending by key from ``min_id``."""
    ordered = sorted(records, key=lambda record: record.key)

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        if request.url.path.endswith("/transactions") or not request.url.path.endswith(
            "/v2/orders"
        ):
            return httpx.Response(404, json=[])
        rows = [record.body for record in ordered if record.key >= int(asked.get("min_id", 0))][
            : int(asked["limit"])
        ]
        return httpx.Response(
            200, content=b"[" + b",".join(rows) + b"]", headers={"content-type": "application/json"}
        )

    return answer


def tenant_of(records: Sequence[bytes]) -> Answer:
    """Serve the order search in numbered pages, with all records at the window's start."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = orjson.loads(request.content)
        first = asked["Page"] * asked["Size"]
        rows = records[first : first + asked["Size"]] if _BOUNDS.fullmatch(asked["Query"]) else []
        head = b'{"success":true,"header":{"totalCount":"%d"},"data":[' % len(records)
        return httpx.Response(
            200,
            content=head + b",".join(rows) + b"]}",
            headers={"content-type": "application/json"},
        )

    return answer


def platform_on(answer: Answer, **changes: object) -> BigCommerce:
    """Build the store's connector on top of a handler."""
    chosen = settings(**({"quota": 1_000_000} | changes))
    built = build(
        chosen, connection(), lambda _: "token", LocalQuota(), httpx.MockTransport(answer)
    )
    assert isinstance(built, BigCommerce)
    return built


def search_on(answer: Answer, page_size: int = 50) -> OrderSearch:
    """Build the OMS's order search on top of a handler."""
    limiter = Limiter(LocalQuota(), "t", quota=1_000_000, window_seconds=1.0)
    client = ApiClient(
        ClientPolicy(
            system="manhattan",
            base_url="https://acme.omni.manh.com",
            auth=NoAuth(),
            limiter=limiter,
            retry=ONCE,
        ),
        transport=httpx.MockTransport(answer),
    )
    return OrderSearch(client, settings_of(search_page_size=page_size))
