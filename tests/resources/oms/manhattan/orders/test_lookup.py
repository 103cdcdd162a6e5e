"""Reading orders by id, and the store order that each was created from."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.reconciliation import OrderOrigin
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.oms.manhattan.orders.lookup import OrderLookup, lines_beyond
from resources.oms.manhattan.orders.search import OrderSearch
from tests.resources.oms.manhattan.samples import (
    connection_of,
    published,
    published_line,
    settings_of,
)


def origin_of(order: Any, **orders: Any) -> OrderOrigin | None:
    """Return the origin of an order, which needs no call."""
    policy = ClientPolicy(
        system="manhattan",
        base_url="https://acme.omni.manh.com",
        auth=NoAuth(),
        limiter=Limiter(LocalQuota(), "t", quota=1, window_seconds=1.0),
    )
    settings = settings_of()
    lookup = OrderLookup(
        OrderSearch(ApiClient(policy), settings), settings, connection_of(orders=orders)
    )
    return lookup.origin(order if isinstance(order, bytes) else orjson.dumps(order))


PREFIX = {"order_id_prefix": "T-"}


def test_an_order_comes_from_the_store_order_that_it_names() -> None:
    """By the alternate id, else by its own without the prefix."""
    assert origin_of(published("T-1001"), **PREFIX) == OrderOrigin("T-1001", "1001", True, False)
    copied = published("T-1001-2", AlternateOrderId="1001")
    assert origin_of(copied, **PREFIX) == OrderOrigin("T-1001-2", "1001", False, False)
    nameless = published("T-1001", AlternateOrderId=None)
    assert origin_of(nameless, **PREFIX) == OrderOrigin("T-1001", "1001", True, False)
    assert origin_of(published("1001")) == OrderOrigin("1001", "1001", True, False)


@pytest.mark.parametrize(
    ("order", "policy"),
    [
        (published("X-1001"), PREFIX),
        (published("T-"), PREFIX),
        (published("1001", AlternateOrderId=None), {}),
        (published(""), {}),
        (published("T-1", published_line(IsReturn=True)), PREFIX),
        (published("T-1", published_line(ParentOrderId="T-0")), PREFIX),
        (published("T-1", SellingChannel={"SellingChannelId": "Phone"}), PREFIX),
        (published("T-1", SellingChannel="Phone"), PREFIX),
        (published("T-1", OrderLine="none"), PREFIX),
        (b"<html>", PREFIX),
    ],
)
def test_other_orders_have_no_origin(order: Any, policy: dict[str, str]) -> None:
    """Of other sources and channels, of returns, and unreadable ones."""
    assert origin_of(order, **policy) is None


def test_a_known_channel_is_the_connections_own() -> None:
    """The default one, and all that the connection translates to."""
    channels = {"default_selling_channel": "Web", "selling_channels": {"app": "App"}, **PREFIX}
    for channel in ("Web", "App"):
        order = published("T-1", SellingChannel={"SellingChannelId": channel})
        assert origin_of(order, **channels) is not None


def test_an_order_is_canceled_by_its_flag_or_by_all_of_its_lines() -> None:
    """A line that is still open keeps the order open."""
    canceled = published_line("1", MinFulfillmentStatusId="9000.000")
    for order, is_canceled in (
        (published("T-1", IsCancelled=True), True),
        (published("T-1", canceled), True),
        (published("T-1", canceled, published_line("2", MinFulfillmentStatusId=1000)), False),
        (published("T-1", canceled, published_line("2")), False),
        ({**published("T-1"), "OrderLine": []}, False),
    ):
        origin = origin_of(order, **PREFIX)
        assert origin is not None
        assert origin.is_canceled is is_canceled


@pytest.mark.parametrize(
    ("line", "is_ours"),
    [
        (published_line("2", CreatedBy="lockstep"), True),
        (published_line("1", CreatedBy="lockstep"), False),
        (published_line("2", CreatedBy="agent"), False),
        (published_line("2"), False),
        (published_line("2", CreatedBy="lockstep", IsCancelled=True), False),
        (published_line("2", CreatedBy="lockstep", IsReturn=True), False),
        (published_line("2", CreatedBy="lockstep", ParentOrderId="T-9"), False),
    ],
)
def test_lines_that_came_with_saves_are_known_by_their_creator(line: Any, is_ours: bool) -> None:
    """The tenant's staff and rules add lines, too: those are not ours to remove."""
    order = published("T-1001", line, CreatedBy="lockstep")
    found = lines_beyond(orjson.dumps(order), {"1"})
    assert [one["OrderLineId"] for one in found] == (["2"] if is_ours else [])
    nameless = published("T-1001", line)
    assert lines_beyond(orjson.dumps(nameless), {"1"}) == []
