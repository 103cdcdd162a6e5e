"""The readers of Salesforce and Anchanto, each with any number of records."""

from __future__ import annotations

import re

import httpx
import orjson

from domain.policies import InventoryPolicy
from resources.http.client import ApiClient
from resources.oms.anchanto.client import Reader
from resources.oms.anchanto.inventory import InventorySource, StockList
from resources.oms.anchanto.orders.lists import OrderLists
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.shipments.source import ShipmentsSource
from resources.platforms.salesforce.customers.source import CustomersSource
from resources.platforms.salesforce.orders.source import OrdersSource
from resources.platforms.salesforce.products.source import ProductsSource
from tests.memory.serving import DAY, MARK, Json, Rows, client_on, records, rows_of
from tests.resources.oms.anchanto import samples as anchanto
from tests.resources.oms.manhattan import samples as manhattan
from tests.resources.platforms.salesforce import orgs
from tests.resources.platforms.salesforce.products.test_mapping import PRODUCT

MOMENT = "2026-03-19T10:00:00.000+0000"
_STAMPS = re.compile(rb'("SystemModstamp":)"[^"]*"')
_AFTER, _LIMIT = re.compile(r"Id > '([^']+)'"), re.compile(r"LIMIT ([0-9]+)$")
_NUMBERS = re.compile(rb'"T-([0-9]+)"|T-([0-9]+)')


def org(name: str, document: Json, count: int) -> ApiClient:
    """Open an org whose records of an object are of one time; no child has changed by itself."""
    text = orjson.dumps(document | {"Id": MARK.decode()})
    template = orjson.loads(_STAMPS.sub(b'\\1"%s"' % MOMENT.encode(), text))
    rows = rows_of(template, lambda number: f"001{number:012d}AAA")

    def answer(request: httpx.Request) -> bytes:
        query = request.url.params["q"]
        limit = _LIMIT.search(query)
        shown: range = range(0)
        if query.rpartition(" FROM ")[2].startswith(f"{name} ") and limit is not None:
            after = _AFTER.search(query)
            first = int(after[1][3:15]) + 1 if after else 1
            shown = range(first, min(first + int(limit[1]), count + 1))
        listed = b",".join(map(rows, shown))
        return b'{"totalSize":%d,"done":true,"records":[%s]}' % (len(shown), listed)

    return client_on(answer)


def salesforce_orders(count: int) -> int:
    """Read an org's order summaries with all of their children."""
    client = org("OrderSummary", orgs.order(), count)
    source = OrdersSource(client, orgs.settings(), orgs.connection())
    return records(source.fetch(DAY), source.to_canonical)


def salesforce_customers(count: int) -> int:
    """Read an org's accounts with contacts and addresses."""
    client = org("Account", orgs.account(), count)
    source = CustomersSource(client, orgs.settings(), orgs.connection())
    return records(source.fetch(DAY), source.to_canonical)


def salesforce_products(count: int) -> int:
    """Read an org's products."""
    source = ProductsSource(org("Product2", PRODUCT, count), orgs.settings())
    return records(source.fetch(DAY), source.to_canonical)


def account(rows: Rows, count: int) -> Reader:
    """Open an account at Anchanto with rows in its list of orders or stock."""
    shipment = rows_of(anchanto.shipment_row(("SKU-1", 1), order_number="T-@@"))

    def answer(request: httpx.Request) -> bytes:
        asked = request.url.params
        number, size = (int(asked[f"page[{name}]"]) for name in ("number", "size"))
        shown: list[bytes] = []
        if not request.url.path.endswith("/shipments"):
            shown = [rows(n) for n in range((number - 1) * size, min(number * size, count))]
        elif number == 1:
            named = _NUMBERS.findall(str(request.url.params).encode())
            shown = [shipment(int(one or other)) for one, other in named]
        return b'{"data":[' + b",".join(shown) + b"]}"

    return Reader(client_on(answer), anchanto.settings_of().wire)


def anchanto_shipments(count: int) -> int:
    """Read an account's orders, forward and back, each with its shipment."""
    settings, rules = anchanto.settings_of(), manhattan.connection_of()
    row = anchanto.order_row(number="T-@@", updated_at="2026-03-19T10:00:00Z")
    lists = OrderLists(account(rows_of(row), count), settings)
    source = ShipmentsSource(lists, Origins(settings, rules), settings, rules)
    return records(source.fetch(DAY), source.to_canonical)


def anchanto_stock(count: int) -> int:
    """Read an account's stock by warehouse."""
    settings = anchanto.settings_of()
    row = {"sku": "SKU-@@", "warehouse_code": "EAST", "available": 5, "on_hand": 7}
    stock = StockList(account(rows_of(row), count), settings)
    policy = InventoryPolicy(mode="by_node", nodes={"EAST": "a"})
    source = InventorySource(stock, settings, policy)
    return records(source.fetch(DAY), source.to_canonical)


OTHERS = (
    salesforce_orders,
    salesforce_customers,
    salesforce_products,
    anchanto_shipments,
    anchanto_stock,
)
