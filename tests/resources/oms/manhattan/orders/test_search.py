"""Reading orders by the time of their last change."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest

from domain.errors import TransientError
from domain.exchange import Mapped, Skipped
from domain.values import Window
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.http.retries import RetryPolicy
from resources.oms.manhattan.adapter import ManhattanOms
from resources.oms.manhattan.orders.search import OrderSearch
from tests.resources.oms.manhattan.conftest import Tenant
from tests.resources.oms.manhattan.samples import order_of, settings_of

START = datetime(2026, 3, 4, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
BOUNDS = re.compile(r"UpdatedTimestamp >= '([^']+)'(?: and UpdatedTimestamp < '([^']+)')?")


class Book:
    """Orders behind a search; ``between`` is called after each page, and may change orders."""

    def __init__(
        self, stamps: dict[str, datetime], between: Callable[[Book, int], None] = lambda *_: None
    ) -> None:
        self.stamps, self.between = stamps, between
        self.cap, self.count, self.sorted, self.calls = 1000, False, True, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one page."""
        body = orjson.loads(request.content)
        match = BOUNDS.fullmatch(body["Query"])
        assert match
        since, until = (
            datetime.fromisoformat(text).replace(tzinfo=UTC) if text else DAY.until
            for text in match.groups()
        )
        found = [
            (stamp, order_id) for order_id, stamp in self.stamps.items() if since <= stamp < until
        ]
        found = sorted(found) if self.sorted else found
        size = min(body["Size"], self.cap)
        rows = [
            {"OrderId": order_id, "UpdatedTimestamp": stamp.replace(tzinfo=None).isoformat()}
            for stamp, order_id in found
        ]
        header = (
            {"totalCount": str(len(rows)), "page": body["Page"], "size": size}
            if self.count
            else None
        )
        self.calls += 1
        page = rows[body["Page"] * size : (body["Page"] + 1) * size]
        self.between(self, self.calls)
        return httpx.Response(200, json={"success": True, "header": header, "data": page})


def search_of(
    handler: Callable[[httpx.Request], httpx.Response], page_size: int = 10
) -> OrderSearch:
    """Build a search in front of an endpoint."""
    limiter = Limiter(LocalQuota(), "t", quota=100000, window_seconds=1.0)
    base = "https://acme.omni.manh.com"
    retry = RetryPolicy(enabled=False)
    client = ApiClient(
        ClientPolicy(
            system="manhattan", base_url=base, auth=NoAuth(), limiter=limiter, retry=retry
        ),
        transport=httpx.MockTransport(handler),
    )
    return OrderSearch(client, settings_of(search_page_size=page_size))


def ids_of(search: OrderSearch, window: Window = DAY) -> list[str]:
    """Read a window and list the ids, in order."""
    return [record.source_id for page in search.changed_in(window) for record in page]


def stamps_of(count: int, step: timedelta = timedelta(seconds=1)) -> dict[str, datetime]:
    """Build orders changed one after the other."""
    return {f"T-{n}": START + step * n for n in range(count)}


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 30, 57])
@pytest.mark.parametrize("counted", [False, True])
def test_every_order_of_the_window_is_read_once(count: int, counted: bool) -> None:
    """Whether the last page is full or short, and whether the tenant counts the rows or not."""
    book = Book(stamps_of(count))
    book.count = counted
    assert ids_of(search_of(book)) == list(book.stamps)


def test_many_orders_of_the_same_time_are_all_read() -> None:
    """A bulk change can give more orders the same time than a page holds."""
    book = Book(
        {
            **stamps_of(5),
            **{f"B-{n:02}": START + timedelta(seconds=5) for n in range(35)},
            "T-9": START + timedelta(seconds=9),
        }
    )
    assert sorted(ids_of(search_of(book))) == sorted(book.stamps)


def test_an_order_changed_between_two_pages_hides_no_other() -> None:
    """An order that moves to the end moves the others forward, past the edge of a page."""

    def touch(book: Book, call: int) -> None:
        for n in range(call * 3, min(call * 3 + 3, 40)):
            book.stamps[f"T-{n}"] = START + timedelta(hours=1, seconds=call)

    book = Book(stamps_of(40), touch)
    assert set(ids_of(search_of(book))) == {f"T-{n}" for n in range(40)}


def test_a_tenant_that_cuts_pages_shorter_is_read_to_the_end() -> None:
    """A page shorter than asked for is not the last one if the count is higher."""
    book = Book(stamps_of(23))
    book.cap, book.count = 4, True
    assert ids_of(search_of(book)) == list(book.stamps)


def test_an_answer_out_of_order_is_read_by_page() -> None:
    """Where the tenant ignores the sort, cutting by time would lose earlier rows."""
    book = Book(dict(reversed(stamps_of(35).items())))
    book.sorted = False
    assert sorted(ids_of(search_of(book))) == sorted(book.stamps)


def test_the_window_is_half_open() -> None:
    """Two adjacent windows share no order and lose none."""
    book = Book(
        {
            "T-1": START,
            "T-2": START + timedelta(microseconds=1500),
            "T-3": START + timedelta(microseconds=2500),
        }
    )
    edge = START + timedelta(milliseconds=2)
    assert ids_of(search_of(book), Window(START, edge)) == ["T-1", "T-2"]
    assert ids_of(search_of(book), Window(edge, DAY.until)) == ["T-3"]
    assert ids_of(search_of(book), Window(START, START)) == []


def test_a_record_carries_the_exact_bytes() -> None:
    """Digits, order and spaces are as the OMS sent them, without the envelope."""
    row = b'{"OrderId" : "T-1","Total":12.50, "UpdatedTimestamp":"2026-03-04T01:00:00.000"}'
    search = search_of(
        lambda _: httpx.Response(200, content=b'{"success":true,"data":[' + row + b"]}")
    )
    ((record,),) = search.changed_in(DAY)
    assert (record.source_id, record.payload, record.updated_at) == (
        "T-1",
        row,
        START + timedelta(hours=1),
    )


def test_an_unreadable_row_is_captured() -> None:
    """It is rejected when it is mapped; otherwise it would be lost without a trace."""
    search = search_of(
        lambda _: httpx.Response(200, json={"success": True, "data": [{"UpdatedTimestamp": 5}]})
    )
    ((record,),) = search.changed_in(DAY)
    assert record.source_id.startswith("unreadable-")
    assert record.updated_at == DAY.since


def test_data_of_another_form_is_transient() -> None:
    """A broken answer never counts as the end of a window."""
    with pytest.raises(TransientError):
        ids_of(
            search_of(
                lambda _: httpx.Response(200, json={"success": True, "data": {"OrderId": "T-1"}})
            )
        )


def test_a_tenant_in_another_zone_is_queried_in_its_own_time() -> None:
    """Time stamps without a zone are read and written in the configured zone."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(orjson.loads(request.content)["Query"])
        return httpx.Response(
            200,
            json={
                "success": True,
                "data": [{"OrderId": "T-1", "UpdatedTimestamp": "2026-03-03T20:00:00"}],
            },
        )

    limiter = Limiter(LocalQuota(), "t", quota=1000, window_seconds=1.0)
    base, transport = "https://acme.omni.manh.com", httpx.MockTransport(answer)
    client = ApiClient(
        ClientPolicy(system="manhattan", base_url=base, auth=NoAuth(), limiter=limiter),
        transport=transport,
    )
    search = OrderSearch(client, settings_of(naive_time_zone="America/New_York"))
    assert search.oldest_since(START) == START + timedelta(hours=1)
    assert asked == ["UpdatedTimestamp >= '2026-03-03T19:00:00.000'"]


def saved(oms: ManhattanOms, *order_ids: str) -> None:
    """Save orders."""

    async def run() -> None:
        async with oms.orders.writer(lambda _: None) as writer:
            for order_id in order_ids:
                await writer.calls.save_order(
                    oms.orders.payload(order_of(order_id)), "", is_new=True
                )

    asyncio.run(run())


def test_a_tenants_orders_are_found_and_mapped(
    connect: Callable[..., ManhattanOms], tenant: Tenant
) -> None:
    """Probe, read and map shipped, canceled and foreign orders, over real HTTP."""
    oms = connect({"search_page_size": 2})
    orders = oms.sources["shipments"]
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert orders.probe(before) is None
    saved(oms, "T-1", "T-2", "T-3", "X-4", "T-5")
    tenant.control("orders/T-1/ship", {"lines": [{"line": "1", "quantity": 1}], "carrier": "UPS"})
    tenant.control("orders/T-2/cancel", {"reason": "Out Of Stock"})
    oldest = orders.probe(before)
    assert oldest is not None
    assert oldest > before
    records = [
        record
        for page in orders.fetch(Window(before, datetime.now(UTC) + timedelta(seconds=1)))
        for record in page.records
    ]
    assert sorted(record.source_id for record in records) == ["T-1", "T-2", "T-3", "T-5", "X-4"]
    mapped = {record.source_id: orders.to_canonical(record.payload) for record in records}
    assert isinstance(mapped["X-4"], Skipped)
    stages = {
        order_id: value.record.milestone().value
        for order_id, value in mapped.items()
        if isinstance(value, Mapped)
    }
    assert stages == {
        "T-1": "partially_shipped",
        "T-2": "canceled",
        "T-3": "created",
        "T-5": "created",
    }
    shipped = mapped["T-1"]
    assert isinstance(shipped, Mapped)
    assert [(parcel.carrier, parcel.lines[0].quantity) for parcel in shipped.record.parcels] == [
        ("ups", 1)
    ]


def test_a_replica_that_lags_stops_nothing(
    connect: Callable[..., ManhattanOms], tenant: Tenant
) -> None:
    """Stale rows cause no endless loop and no error; a later window has the new state."""
    tenant.control("settings", {"stale_reads": 1})
    oms = connect({"search_page_size": 2})
    orders = oms.sources["shipments"]
    before = datetime.now(UTC) - timedelta(seconds=1)
    saved(oms, *(f"T-{n}" for n in range(7)))
    for n in range(7):
        tenant.control(f"orders/T-{n}/touch", {})
    window = Window(before, datetime.now(UTC) + timedelta(seconds=1))
    seen = {
        record.source_id
        for _ in range(3)
        for page in orders.fetch(window)
        for record in page.records
    }
    assert seen == {f"T-{n}" for n in range(7)}
