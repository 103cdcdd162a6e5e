"""Stores and orders to test the connector with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest

from assets.streams.catalog.store_items import Unusable, entries
from domain.connections import Connection
from domain.errors import Problem, RecordRejected
from domain.exchange import ExchangeLog, Mapped, RawRecord, Skipped
from domain.policies import SecretRef
from domain.ports import CommercePlatform, EventFeed
from domain.records.inventory import StoreItem
from domain.records.orders import Order
from domain.rules.translation import OrderRules
from domain.values import Partition, Window
from resources.http.rate_limit import LocalQuota
from resources.platforms.bigcommerce.adapter import BigCommerce, build
from resources.platforms.bigcommerce.orders.mapping import OrderMapper
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.platforms.bigcommerce.statuses import ORDER_STATUSES
from tests.assets.documents import PERSON

Json = dict[str, Any]
HASH = "acme1"
TOKEN = SecretRef(env="STORE_TOKEN")
ADDRESS = PERSON
LINE: Json = {
    "id": 501,
    "order_id": 1001,
    "product_id": 20,
    "variant_id": 7,
    "name": "Fog Linen Towel",
    "sku": "TOWEL-1",
    "type": "physical",
    "quantity": 2,
    "price_ex_tax": "10.0000",
    "price_inc_tax": "11.0000",
    "price_tax": "1.0000",
    "total_ex_tax": "20.0000",
    "total_inc_tax": "22.0000",
    "total_tax": "2.0000",
    "order_address_id": 99,
    "order_pickup_method_id": 0,
    "applied_discounts": [],
    "product_options": [{"display_name": "Size", "display_value": "S"}],
    "parent_order_product_id": None,
    "wrapping_cost_ex_tax": "0.0000",
    "wrapping_cost_inc_tax": "0.0000",
    "wrapping_cost_tax": "0.0000",
    "wrapping_message": "",
}
SHIPPING: Json = ADDRESS | {
    "id": 99,
    "shipping_method": "Ground",
    "cost_ex_tax": 5.0,
    "cost_inc_tax": 5.5,
    "cost_tax": 0.5,
    "handling_cost_ex_tax": 0,
    "handling_cost_inc_tax": 0,
    "handling_cost_tax": 0,
    "line_items": [LINE],
}
ORDER: Json = {
    "id": 1001,
    "customer_id": 0,
    "date_created": "Thu, 19 Mar 2026 10:00:00 +0000",
    "date_modified": "Thu, 19 Mar 2026 11:00:00 +0000",
    "status_id": 11,
    "status": "Awaiting Fulfillment",
    "total_ex_tax": "25.0000",
    "total_inc_tax": "27.5000",
    "total_tax": "2.5000",
    "shipping_cost_ex_tax": "5.0000",
    "shipping_cost_inc_tax": "5.5000",
    "shipping_cost_tax": "0.5000",
    "handling_cost_ex_tax": "0.0000",
    "handling_cost_inc_tax": "0.0000",
    "handling_cost_tax": "0.0000",
    "wrapping_cost_ex_tax": "0.0000",
    "wrapping_cost_inc_tax": "0.0000",
    "wrapping_cost_tax": "0.0000",
    "discount_amount": "0.0000",
    "coupon_discount": "0.0000",
    "gift_certificate_amount": "0.0000",
    "store_credit_amount": "0.0000",
    "is_tax_inclusive_pricing": False,
    "is_deleted": False,
    "items_total": 2,
    "payment_method": "Credit Card",
    "payment_provider_id": "ch_1",
    "payment_status": "captured",
    "currency_code": "EUR",
    "default_currency_code": "USD",
    "customer_message": "",
    "staff_notes": "",
    "customer_locale": "en",
    "channel_id": 1,
    "billing_address": ADDRESS,
    "fees": [],
    "consignments": {
        "shipping": [SHIPPING],
        "pickups": [],
        "downloads": [],
        "email": {"gift_certificates": []},
    },
}


def order(**changes: Any) -> Json:
    """Return a fresh order that maps without a problem, with some header fields changed."""
    return deepcopy(ORDER) | changes


def line_of(document: Json, index: int = 0) -> Json:
    """Return a line of an order's first shipping consignment, to change it in place."""
    line: Json = document["consignments"]["shipping"][0]["line_items"][index]
    return line


def connection(**sections: Any) -> Connection:
    """Return a connection's rules; ``orders`` and others replace those of the tests."""
    orders = {
        "shipping_methods": {"ground": "STD"},
        "payment_methods": {"credit card": "CreditCard", "gift certificate": "GiftCard"},
    }
    base: Json = {"platform": {"kind": "bigcommerce"}, "oms": {"kind": "manhattan"}}
    return Connection.model_validate(
        base | sections | {"orders": orders | sections.get("orders", {})}
    )


def settings(**changes: Any) -> BigCommerceSettings:
    """Return the settings of the tests' store."""
    return BigCommerceSettings.model_validate({"store_hash": HASH, "token": TOKEN} | changes)


class TranslatedMapper:
    """The connector's mapping with a connection's rules, as the orders stream applies them."""

    def __init__(self, chosen: BigCommerceSettings, rules: Connection) -> None:
        self._mapper = OrderMapper(chosen, rules.addresses)
        self._rules = OrderRules(rules.orders, ORDER_STATUSES.chosen(rules.orders))

    def to_order(self, payload: bytes, exported: Callable[[str], bool]) -> Mapped[Order] | Skipped:
        """Map and translate a captured order."""
        return self._rules.to_order(self._mapper.to_order, payload, exported)


def mapper(orders: Json | None = None, **changes: Any) -> TranslatedMapper:
    """Return a mapper by changed rules and settings."""
    return TranslatedMapper(settings(**changes), connection(orders=orders or {}))


def platform(
    url: str, orders: Json | None = None, sections: Json | None = None, **changes: Any
) -> BigCommerce:
    """Return a connector to the sandbox's store at ``url``."""
    chosen = settings(**{"api_base": f"{url}/bigcommerce/{HASH}", "quota": 100_000} | changes)
    built = build(
        chosen,
        connection(orders=orders or {}, **(sections or {})),
        lambda _: f"sandbox-token-{HASH}",
        LocalQuota(),
    )
    assert isinstance(built, BigCommerce)
    return built


def mocked(answer: Callable[[httpx.Request], httpx.Response]) -> BigCommerce:
    """Return a connector to a store that answers so."""
    built = build(
        settings(), connection(), lambda _: "t", LocalQuota(), httpx.MockTransport(answer)
    )
    assert isinstance(built, BigCommerce)
    return built


def mapped(document: Json, orders: Json | None = None, **changes: Any) -> Order:
    """Map an order that is sent."""
    result = mapper(orders, **changes).to_order(orjson.dumps(document), lambda _: False)
    assert isinstance(result, Mapped)
    assert abs(result.record.computed_total() - result.record.total) <= Decimal("0.005")
    return result.record


def rejected(
    document: object, orders: Json | None = None, *, exported: bool = False
) -> dict[str, Problem]:
    """Map an order that is rejected; return its problems by code."""
    with pytest.raises(RecordRejected) as raised:
        mapper(orders).to_order(orjson.dumps(document), lambda _: exported)
    assert all(problem.message and problem.advice for problem in raised.value.problems)
    return {problem.code: problem for problem in raised.value.problems}


class StoreCalls:
    """The calls of both of a store's writers: of its orders, and of its stock."""

    def __init__(self, *writers: object) -> None:
        self._writers = writers

    def __getattr__(self, name: str) -> Any:
        return next(getattr(one, name) for one in self._writers if hasattr(one, name))


@asynccontextmanager
async def calls_of(store: BigCommerce, log: ExchangeLog) -> AsyncIterator[StoreCalls]:
    """Open both targets of a store for writing."""
    stock: Any = store.targets["inventory"]
    async with store.shipments.writer(log) as orders, stock.writer(log) as levels:
        yield StoreCalls(orders.calls, levels.calls)


def feed_of(store: CommercePlatform) -> EventFeed:
    """Return the store's webhooks."""
    assert isinstance(store.events, EventFeed)
    return store.events


def read_items(store: CommercePlatform) -> list[list[StoreItem | Unusable]]:
    """Return the catalog's SKUs and what can't be used of it, a page at a time."""
    catalog, day = store.sources["catalog"], Partition.of_day(date(2026, 3, 19)).window
    pages = list(catalog.fetch(day))
    assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]
    return [entries(page, catalog) for page in pages if page.records]


def read_orders(store: CommercePlatform, window: Window) -> Iterator[Sequence[RawRecord]]:
    """Yield the orders of a window, a page at a time."""
    return (page.records for page in store.sources["orders"].fetch(window))
