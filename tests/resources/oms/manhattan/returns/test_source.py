"""Which day a return is of: that of its last change, whenever it was confirmed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import orjson
import pytest

from domain.exchange import Mapped
from domain.records.returns import ReturnStatus
from domain.values import Window
from resources.oms.manhattan.orders.lookup import OrderLookup
from resources.oms.manhattan.returns.source import ReturnsSource
from tests.resources.oms.manhattan.orders.test_search import search_of
from tests.resources.oms.manhattan.returns.test_mapping import a_return, returned
from tests.resources.oms.manhattan.samples import connection_of, settings_of

CHANGED = datetime(2026, 3, 9, 8, tzinfo=UTC)


def source_of(document: dict[str, Any], asked: list[str]) -> ReturnsSource:
    """Return the returns of a tenant that has one return, by the stamp that a search names."""

    def answer(request: httpx.Request) -> httpx.Response:
        query = orjson.loads(request.content)["Query"]
        asked.append(query)
        since, until = (part.split("'")[1] for part in query.split(" and "))
        found = since <= document["UpdatedTimestamp"] < until
        return httpx.Response(200, json={"success": True, "data": [document] if found else []})

    lookup = cast("OrderLookup", None)  # windows look nothing up
    return ReturnsSource(search_of(answer), lookup, settings_of(), connection_of())


@pytest.mark.parametrize(("confirmed", "status"), [(0, "18000"), (2, "18000"), (2, "15000")])
def test_a_return_is_read_in_the_window_of_its_last_change(confirmed: int, status: str) -> None:
    """One that was confirmed late, or corrected days after that, is missed in no window."""
    day = (CHANGED - timedelta(days=confirmed)).isoformat()
    line = returned("1", (status, 2), ReturnDate=day, ReceivedDate=day)
    document = a_return(line, UpdatedTimestamp="2026-03-09T08:00:00.000", CapturedDate=day)
    asked: list[str] = []
    source = source_of(document, asked)
    before = Window(CHANGED - timedelta(days=3), CHANGED)
    assert list(source.fetch(before)) == []
    [page] = source.fetch(Window(CHANGED, CHANGED + timedelta(hours=1)))
    [record] = page.records
    assert record.updated_at == CHANGED
    mapped = source.to_canonical(record.payload, orders=["T-1001"])
    assert isinstance(mapped, Mapped)
    assert mapped.record.updated_at == CHANGED
    confirmed_units = mapped.record.in_status(ReturnStatus.CONFIRMED)
    assert bool(confirmed_units) is (status == "18000")
    assert all(query.startswith("UpdatedTimestamp >= ") for query in asked)
