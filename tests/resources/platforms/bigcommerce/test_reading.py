"""Reading a store's orders, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import orjson
import pytest

from domain.errors import PermanentError, RecordRejected
from domain.exchange import Mapped
from domain.values import Window
from resources.http.rate_limit import LocalQuota
from resources.platforms.bigcommerce.adapter import build
from resources.platforms.bigcommerce.orders.header import ListedOrder, header_of
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import (
    ORDER,
    connection,
    line_of,
    order,
    platform,
    read_orders,
    settings,
)

START = datetime(2026, 3, 19, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))


def at(seconds: float) -> str:
    """Return a moment after the tests' start as the store writes it."""
    return (START + timedelta(seconds=seconds)).isoformat()


def test_every_order_of_the_window_is_read_once_with_its_bytes(shop: Shop) -> None:
    """Over several pages and slices; what lies a second outside stays outside."""
    shop.place(
        *[
            {"id": 1000 + i, "date_created": at(i * 100), "date_modified": at(i * 100)}
            for i in range(60)
        ]
    )
    edges = [-1, 86_400, 86_399]
    shop.place(
        *[
            {"id": 2000 + i, "date_created": at(0), "date_modified": at(edge)}
            for i, edge in enumerate(edges)
        ]
    )
    reader = platform(shop.url, page_size=7)
    records = [record for page in read_orders(reader, DAY) for record in page]
    assert sorted(int(record.source_id) for record in records) == [*range(1000, 1060), 2002]
    assert all(orjson.loads(record.payload)["id"] == int(record.source_id) for record in records)
    assert all(record.updated_at in DAY for record in records)
    mapped = reader.sources["orders"].to_canonical(records[0].payload)
    assert isinstance(mapped, Mapped)
    reader.close()


def test_a_live_window_costs_a_call_and_one_that_finds_its_end(shop: Shop) -> None:
    """A window that fits a page isn't cut into slices, and an empty one is answered by 204."""
    shop.place({"id": 1000, "date_created": at(0), "date_modified": at(60)})
    reader = platform(shop.url)
    before = sum(shop.control("GET", "counts")["requests"].values())
    assert len(list(read_orders(reader, Window(START, START + timedelta(minutes=2))))) == 1
    assert (
        list(read_orders(reader, Window(START + timedelta(hours=1), START + timedelta(hours=2))))
        == []
    )
    assert sum(shop.control("GET", "counts")["requests"].values()) - before == 3
    reader.close()


def test_a_reader_that_stops_early_leaves_no_thread_behind(shop: Shop) -> None:
    """Closing the iterator ends the slices, however full the queue is."""
    shop.place(
        *[{"id": 1000 + i, "date_created": at(i), "date_modified": at(i)} for i in range(80)]
    )
    reader = platform(shop.url, page_size=3)
    pages = reader.sources["orders"].fetch(DAY)
    next(pages)
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    reader.close()


def test_the_probe_sees_changes_at_its_moment_and_later_only(shop: Shop) -> None:
    """Nothing a second before, something at the very second."""
    shop.place(
        {"id": 1000, "date_created": at(0), "date_modified": at(100)},
        {"id": 1001, "date_created": at(0), "date_modified": at(200)},
    )
    reader = platform(shop.url)
    moment = START + timedelta(seconds=100)
    assert reader.sources["orders"].probe(moment) == moment
    assert reader.sources["orders"].probe(moment + timedelta(seconds=1)) == START + timedelta(
        seconds=200
    )
    assert reader.sources["orders"].probe(START + timedelta(seconds=200, microseconds=1)) is None
    reader.close()


def test_extras_are_read_where_needed_and_keep_the_orders_bytes(shop: Shop) -> None:
    """Transactions and coupons are added where needed; the order's own bytes stay unchanged."""
    event = {
        "event": "authorization",
        "method": "credit_card",
        "amount": 27.5,
        "gateway": "stripe",
        "gateway_transaction_id": "auth_9",
    }
    dated = {"date_created": at(0), "date_modified": at(5)}
    shop.place(
        dated | {"id": 1, "payment_status": "authorized", "transactions": [event]},
        dated
        | {"id": 2, "coupon_discount": 1, "coupons": [{"code": "ONE", "amount": 1, "discount": 1}]},
        dated | {"id": 3, "payment_status": "authorized", "status_id": 7},
    )
    reader = platform(shop.url)
    records = {
        record.source_id: record.payload for page in read_orders(reader, DAY) for record in page
    }
    assert records["1"].startswith(b'{"order":{"id":1,')
    authorised, discounted = (
        reader.sources["orders"].to_canonical(records[number]) for number in "12"
    )
    assert isinstance(authorised, Mapped)
    assert authorised.record.payments[0].transactions[0].reference == "auth_9"
    assert isinstance(discounted, Mapped)
    assert discounted.record.discounts[0].code == "ONE"
    assert "order" not in orjson.loads(records["3"])
    reader.close()


def test_reading_survives_a_store_that_fails_now_and_then(shop: Shop) -> None:
    """429, 500, dropped and malformed answers are retried, and nothing is lost or doubled."""
    shop.place(
        *[{"id": 1000 + i, "date_created": at(i), "date_modified": at(i)} for i in range(30)]
    )
    reader = platform(shop.url, page_size=5)
    shop.fault(kind="status", status=429, headers={"Retry-After": "0"}, path="/v2/orders", times=1)
    shop.fault(
        kind="status", status=500, headers={"Retry-After": "0"}, path="/v2/orders", times=1, skip=2
    )
    shop.fault(kind="drop_after", path="/v2/orders", times=1, skip=3)
    shop.fault(kind="malformed", path="/v2/orders", times=1, skip=4)
    found = [int(record.source_id) for page in read_orders(reader, DAY) for record in page]
    assert sorted(found) == list(range(1000, 1030))
    reader.close()


def test_a_small_quota_is_waited_for(shop: Shop) -> None:
    """The client keeps within the store's quota; one call at a window's edge may be refused."""
    shop.place(
        *[{"id": 1000 + i, "date_created": at(i), "date_modified": at(i)} for i in range(40)]
    )
    shop.control("POST", "settings", {"quota": 10, "window_ms": 500})
    reader = platform(shop.url, page_size=3, quota=10, window_seconds=0.5)
    assert sum(len(page) for page in read_orders(reader, DAY)) == 40
    assert shop.control("GET", "counts")["rate_limited"] <= 1
    reader.close()


def fake(pages: list[list[dict[str, object]]]) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """Return a store that answers order lists from a script, and what it was asked.

    Behind the script's end the lists are empty.
    """
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=pages[len(seen) - 1] if len(seen) <= len(pages) else [])

    return httpx.MockTransport(handle), seen


def test_a_server_that_ignores_the_keyset_is_caught() -> None:
    """Pages that repeat are a broken contract, not an endless loop."""
    transport, _ = fake([[order(id=5)], [order(id=5)]])
    reader = build(settings(page_size=1), connection(), lambda _: "t", LocalQuota(), transport)
    with pytest.raises(PermanentError, match="order 5 after order 5"):
        list(read_orders(reader, DAY))
    reader.close()


def test_a_server_with_a_smaller_page_limit_loses_nothing() -> None:
    """A page of 50 where 250 were asked for isn't taken for the last one."""
    first = [order(id=i) for i in range(1, 51)]
    transport, seen = fake([first, [order(id=77)], [], [], []])
    reader = build(
        settings(read_concurrency=1), connection(), lambda _: "t", LocalQuota(), transport
    )
    assert sum(len(page) for page in read_orders(reader, DAY)) == 51
    assert seen[1].url.params["min_id"] == "51"
    assert (seen[0].url.params["sort"], seen[0].url.params["min_date_modified"]) == (
        "id",
        "2026-03-18T23:59:59Z",
    )
    reader.close()


def test_an_order_without_a_readable_time_is_still_captured() -> None:
    """It comes out at the window's start, once, to be rejected with its reason."""
    undated = order(id=9, date_modified="soon", date_created="soon")
    transport, _ = fake([[undated, order(id=10, consignments={"shipping": 7})]])
    reader = build(settings(), connection(), lambda _: "t", LocalQuota(), transport)
    [records] = read_orders(reader, DAY)
    assert [(record.source_id, record.updated_at == DAY.since) for record in records] == [
        ("9", True),
        ("10", False),
    ]
    for record in records:
        with pytest.raises(RecordRejected):
            reader.sources["orders"].to_canonical(record.payload)
    reader.close()


def test_lines_that_the_list_cut_off_are_fetched() -> None:
    """Where the included lines don't cover the order, its products are read page by page."""
    document = order(items_total=5)
    more = [
        line_of(ORDER) | {"id": 501},
        line_of(ORDER)
        | {"id": 502, "quantity": 3, "total_ex_tax": "30.0000", "total_tax": "3.0000"},
    ]

    def handle(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        if request.url.path.endswith("/orders"):
            return httpx.Response(200, json=[document] if params["min_id"] == "1" else [])
        page = int(params["page"])
        return httpx.Response(200, json=more[page - 1 : page])

    reader = build(
        settings(), connection(), lambda _: "t", LocalQuota(), httpx.MockTransport(handle)
    )
    [[record]] = read_orders(reader, DAY)
    assert [line["id"] for line in orjson.loads(record.payload)["products"]] == [501, 502]
    reader.close()


def test_a_refused_token_is_permanent_and_names_the_scope() -> None:
    """The error names the missing permission."""
    transport = httpx.MockTransport(
        lambda _: httpx.Response(403, json=[{"status": 403, "message": "no scope"}])
    )
    reader = build(settings(), connection(), lambda _: "t", LocalQuota(), transport)
    with pytest.raises(
        PermanentError,
        match="answered 403: no scope; check the token's scope store_v2_orders_read_only",
    ):
        list(read_orders(reader, DAY))
    reader.close()


def test_an_order_without_a_usable_id_costs_none_of_its_page() -> None:
    """It is captured under a fallback id and rejected by its field; the others are read."""
    transport, _ = fake(
        [[order(id=8), order(id=None), order(id=-3), order(id=10**30), order(id=9)]]
    )
    reader = build(settings(), connection(), lambda _: "t", LocalQuota(), transport)
    [records] = read_orders(reader, DAY)
    assert [record.source_id[:11] for record in records] == ["8", *["unreadable-"] * 3, "9"]
    for record in records[1:4]:
        with pytest.raises(RecordRejected) as caught:
            reader.sources["orders"].to_canonical(record.payload)
        assert caught.value.problems[0].field == "id"
    reader.close()


def test_a_page_without_any_id_is_an_error_and_not_the_end() -> None:
    """What follows can't be asked for."""
    transport, _ = fake([[order(id=None) for _ in range(5)]])
    reader = build(settings(page_size=5), connection(), lambda _: "t", LocalQuota(), transport)
    with pytest.raises(PermanentError, match="5 orders after order 0, none of them with an id"):
        list(read_orders(reader, DAY))
    reader.close()


def listed(**changes: object) -> ListedOrder:
    """Return what capturing reads of an order."""
    header = header_of(msgspec.Raw(orjson.dumps(order(**changes))))[2]
    assert header is not None
    return header


def consignments(**parts: object) -> dict[str, object]:
    """Return consignments with line items in some of their lists."""
    certificates = parts.pop("certificates", [])
    lists = {name: [{"line_items": items}] for name, items in parts.items()}
    return lists | {"email": {"gift_certificates": [{"line_items": certificates}]}}


@pytest.mark.parametrize(
    ("held", "items_total", "lacks"),
    [
        (consignments(shipping=[{"quantity": 2}]), 2, False),
        (consignments(shipping=[{"quantity": 2}]), 3, True),
        (consignments(shipping=[{"quantity": 1}], downloads={"quantity": 1}), 2, False),
        (consignments(pickups=[{"quantity": 1}], certificates=[{"quantity": 1}]), 2, False),
        (consignments(shipping=None, downloads=None), 1, True),
        (consignments(shipping=[{"url": "https://x", "resource": "/y"}]), 1, True),
        (consignments(shipping=[{"quantity": "2"}]), 3, False),
        (consignments(shipping=[{"quantity": True}]), 3, False),
        (consignments(shipping=[{"quantity": 1}]), None, False),
        (consignments(shipping=[{"quantity": 1}]), "9", False),
        ({"email": None}, 1, True),
        (None, 1, True),
        (None, 0, False),
    ],
)
def test_an_order_lacks_lines_where_the_included_units_are_fewer(
    held: object, items_total: object, lacks: bool
) -> None:
    """Of all its consignments, be a list of lines one object or missing; bad values are mapped."""
    assert listed(consignments=held, items_total=items_total).lacks_lines() is lacks


@pytest.mark.parametrize(
    ("discount", "discounts", "lacks"),
    [
        ("0.0000", [], False),
        (None, [], False),
        ("", [], False),
        (0, [], False),
        ("0.00", [], False),
        ("some", [], False),
        ("5.0000", [], True),
        (5, [{"code": None}, None], True),
        ("5.0000", [{"code": ""}], True),
        ("5.0000", [{"code": "FIVE"}], False),
        ("5.0000", [None, {"code": "FIVE"}], False),
        ("5.0000", 7, True),
        ("5.0000", [7], True),
        ("5.0000", None, True),
    ],
)
def test_an_order_lacks_codes_where_no_line_names_the_coupon(
    discount: object, discounts: object, lacks: bool
) -> None:
    """Only then are its coupons read apart, which costs a call."""
    document = order(coupon_discount=discount)
    line_of(document)["applied_discounts"] = discounts
    assert listed(**document).lacks_codes() is lacks


def extras_of(
    answer: Callable[[httpx.Request], httpx.Response], document: object, **changes: Any
) -> dict[str, Any]:
    """Read one order whose extras come from ``answer``; return the captured document."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/orders"):
            is_first = int(request.url.params["min_id"]) <= order()["id"]
            return httpx.Response(200, json=[document]) if is_first else httpx.Response(204)
        return answer(request)

    reader = build(
        settings(**changes), connection(), lambda _: "t", LocalQuota(), httpx.MockTransport(handle)
    )
    with closing(reader):
        [[record]] = read_orders(reader, DAY)
    content: dict[str, Any] = orjson.loads(record.payload)
    return content


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(204), []),
        (httpx.Response(404), []),
        (httpx.Response(200), []),
        (httpx.Response(200, json={"data": [{"id": 1}]}), {"data": [{"id": 1}]}),
    ],
)
def test_an_order_that_was_not_paid_at_a_gateway_has_no_transactions(
    answer: httpx.Response, expected: object
) -> None:
    """Which the store says in more than one way."""
    found = extras_of(lambda _: answer, order(), fetch_transactions="all")
    assert found["transactions"] == expected
    assert found["order"]["id"] == 1001


@pytest.mark.parametrize(
    ("policy", "payment_status", "status_id", "read"),
    [
        ("all", "captured", 11, True),
        ("authorized", "authorized", 11, True),
        ("authorized", "captured", 11, False),
        ("never", "authorized", 11, False),
        ("all", "authorized", 7, False),
    ],
)
def test_transactions_are_read_by_the_setting(
    policy: str, payment_status: str, status_id: int, read: bool
) -> None:
    """Not those of an order that does not go out."""
    document = order(payment_status=payment_status, status_id=status_id)
    answer = httpx.Response(200, json={"data": []})
    assert ("transactions" in extras_of(lambda _: answer, document, fetch_transactions=policy)) is (
        read
    )


def products(count: int, first: int = 1) -> list[dict[str, int]]:
    """Return a page of lines."""
    return [{"id": number} for number in range(first, first + count)]


@pytest.mark.parametrize(
    ("pages", "calls"),
    [
        ([products(3)], 2),
        ([products(50), []], 2),
        ([products(50), products(100, 51), products(1, 151)], 4),
        ([products(50), products(3, 51)], 3),
        ([[]], 1),
    ],
)
def test_lines_are_read_page_by_page(pages: list[list[dict[str, int]]], calls: int) -> None:
    """Up to an empty page: a short one may be the server's own limit."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["page"])
        found = pages[len(asked) - 1] if len(asked) <= len(pages) else []
        return httpx.Response(200, json=found) if found else httpx.Response(204)

    found = extras_of(answer, order(items_total=500), page_size=250)
    assert found["products"] == [line for page in pages for line in page]
    assert asked == [str(i + 1) for i in range(calls)]


def test_lines_of_an_order_that_was_deleted_meanwhile_are_none() -> None:
    """404 costs no other order; the mapping rejects this one for its missing lines."""
    assert extras_of(lambda _: httpx.Response(404), order(items_total=5))["products"] == []


def test_a_server_that_ignores_the_page_of_lines_is_caught() -> None:
    """The same page again is a broken contract, not an endless loop."""
    same = httpx.Response(200, json=products(50))
    with pytest.raises(PermanentError, match="/products gave page 2 twice"):
        extras_of(lambda _: same, order(items_total=500))


@pytest.mark.parametrize(
    ("raw", "number", "modified"),
    [
        (b'{"id":7,"date_modified":"2026-03-19T10:00:00Z","consignments":{"shipping":7}}', 7, 10),
        (b'{"id":7,"consignments":[7]}', 7, None),
        (b'{"id":{},"date_modified":"2026-03-19T10:00:00Z"}', None, None),
        (b'{"id":7,"date_modified":["2026-03-19"]}', None, None),
        (b"7", None, None),
        (b"null", None, None),
        (b'{"id":true}', None, None),
        (b'{"id":0}', None, None),
        (b'{"id":7.0}', None, None),
    ],
)
def test_id_and_time_are_read_as_far_as_they_can_be(
    raw: bytes, number: int | None, modified: int | None
) -> None:
    """An order that can't be read is still captured, under a fallback id if it has none."""
    found, moment, _ = header_of(msgspec.Raw(raw))
    assert (found, moment and moment.hour) == (number, modified)
