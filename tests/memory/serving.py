"""A simulated server for readers: it makes each page when it is asked for, and keeps none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

from domain.sources import Page
from domain.values import Window
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota

Json = dict[str, Any]
Rows = Callable[[int], bytes]
START = datetime(2026, 3, 19, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
STAMP = "2026-03-19T10:00:00.000Z"
MARK = b"@@"
"""Stands for the record's id in a document."""


def client_on(answer: Callable[[httpx.Request], bytes]) -> ApiClient:
    """Build a client on top of what answers with bodies."""
    limiter = Limiter(LocalQuota(), "t", quota=10_000_000, window_seconds=1.0)
    policy = ClientPolicy(
        system="memory", base_url="https://memory.example", auth=NoAuth(), limiter=limiter
    )
    headers = {"content-type": "application/json"}
    return ApiClient(
        policy,
        transport=httpx.MockTransport(
            lambda request: httpx.Response(200, content=answer(request), headers=headers)
        ),
    )


def rows_of(document: Json, name: Callable[[int], str] = str) -> Rows:
    """Return what makes the row of a number from a document with marks."""
    template = orjson.dumps(document)
    return lambda number: template.replace(MARK, name(number).encode())


def records(pages: Iterator[Page], to_canonical: Callable[[bytes], object]) -> int:
    """Read all pages, map one record of each, and return the number of records."""
    found = 0
    for page in pages:
        found += len(page.records)
        if page.records:
            to_canonical(page.records[0].payload)
    return found
