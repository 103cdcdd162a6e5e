"""``python -m tests.memory.readers``: by how many megabytes many records raise the peak.

All readers run in one process, first each with few records, so that all code is loaded; the peak
then shows what the many records take, reader by reader. What an earlier reader has raised it by
is missing in the number of a later one, so the sum of all is compared with the limit.

A simulated server makes each page when it is asked for, so that it keeps none itself.
"""

from __future__ import annotations

import re
import resource
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import orjson

from domain.policies import InventoryPolicy
from resources.http.client import ApiClient
from resources.oms.extensiv.inventory import InventorySource
from resources.oms.extensiv.orders.lists import OrderLists
from resources.oms.extensiv.orders.lookup import Origins
from resources.oms.extensiv.shipments.source import ShipmentsSource
from resources.oms.extensiv.stock_list import StockList
from resources.oms.manhattan.orders.lookup import OrderLookup
from resources.oms.manhattan.orders.search import OrderSearch
from resources.oms.manhattan.returns.source import ReturnsSource
from resources.platforms.bigcommerce.customers.source import CustomersSource
from resources.platforms.bigcommerce.products.source import ProductsSource
from resources.platforms.commercetools.catalog import CatalogSource
from resources.platforms.commercetools.customers.source import CustomersSource as Customers
from resources.platforms.commercetools.deletions import DeletionsReader
from resources.platforms.commercetools.levels import LevelReader
from resources.platforms.commercetools.orders.by_payment import PaidOrders
from resources.platforms.commercetools.orders.source import OrdersSource
from resources.platforms.commercetools.reader import Resource
from tests.assets.customers import customer
from tests.bad_input.test_extensiv import ROW
from tests.memory.of_others import OTHERS
from tests.memory.serving import DAY, MARK, STAMP, START, Json, Rows, client_on, records, rows_of
from tests.resources.oms.extensiv import samples as extensiv
from tests.resources.oms.manhattan import samples as manhattan
from tests.resources.oms.manhattan.returns.test_mapping import a_return, returned
from tests.resources.platforms.bigcommerce import stores as bigcommerce
from tests.resources.platforms.commercetools import projects as commercetools
from tests.resources.platforms.commercetools.customers.test_mapping import CUSTOMER

SMALL, LARGE = 500, 20_000
SKUS_A_CHUNK = 1_000


def uuid_of(number: int) -> str:
    """Return an id of commercetools, ascending by number."""
    return str(UUID(int=number))


_AFTER, _SKU = re.compile(r'id > "([^"]+)"'), re.compile(r'"(S[0-9]+)"')
_IDS = re.compile(r'"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')


def project(document: Json, count: int) -> ApiClient:
    """Open a project whose records are of one time."""
    rows = rows_of(document, uuid_of)

    def answer(request: httpx.Request) -> bytes:
        asked = request.url.params
        after = _AFTER.search(" ".join(asked.get_list("where")))
        first = UUID(after[1]).int + 1 if after else 1
        last = min(first + int(asked["limit"]), count + 1)
        return b'{"results":[' + b",".join(map(rows, range(first, last))) + b"]}"

    return client_on(answer)


def commercetools_orders(count: int) -> int:
    """Read a project's orders."""
    document = commercetools.order() | {"id": "@@", "orderNumber": "@@", "lastModifiedAt": STAMP}
    rules = commercetools.connection()
    source = OrdersSource(project(document, count), commercetools.settings(), rules)
    return records(source.fetch(DAY), source.to_canonical)


def commercetools_messages(count: int) -> int:
    """Read a project's messages of deleted customers."""
    subject = {"typeId": "customer", "id": "@@"}
    document = {"id": "@@", "createdAt": STAMP, "type": "CustomerDeleted", "resource": subject}
    reader = DeletionsReader(
        project(document, count), commercetools.settings(), "customer", "CustomerDeleted"
    )
    return sum(len(page) for page in reader.read(DAY))


def commercetools_customers(count: int) -> int:
    """Read a project's customers."""
    document = CUSTOMER | {"id": "@@", "customerNumber": "@@", "lastModifiedAt": STAMP}
    settings = commercetools.settings(customer_deletions=False)
    source = Customers(project(document, count), settings, commercetools.connection())
    return records(source.fetch(DAY), source.to_canonical)


def commercetools_catalog(count: int) -> int:
    """Read a project's products."""
    variants = [{"id": n, "sku": f"@@-{n}"} for n in range(2, 6)]
    document = {"id": "@@", "masterVariant": {"id": 1, "sku": "@@-1"}, "variants": variants}
    source = CatalogSource(project(document, count))
    return records(source.fetch(DAY), source.to_canonical)


def commercetools_inventory(count: int) -> int:
    """Read a project's levels, as many at once as a delivery asks for."""

    def answer(request: httpx.Request) -> bytes:
        where = " ".join(request.url.params.get_list("where"))
        skus = [] if _AFTER.search(where) else _SKU.findall(where)
        entries = [
            {
                "id": uuid_of(n),
                "version": 1,
                "sku": sku,
                "quantityOnStock": 9,
                "availableQuantity": 7,
            }
            for n, sku in enumerate(skus, 1)
        ]
        return orjson.dumps({"results": entries})

    reader, found = LevelReader(client_on(answer), commercetools.settings()), 0
    for start in range(0, count, SKUS_A_CHUNK):
        last = min(start + SKUS_A_CHUNK, count)
        found += len(reader.stock([f"S{n}" for n in range(start, last)]))
    return found


def commercetools_paid_orders(count: int) -> int:
    """Read a project's orders by the changes of their payments."""
    payments = rows_of({"id": "@@", "lastModifiedAt": STAMP}, uuid_of)
    order = rows_of({"id": "@@", "lastModifiedAt": "2026-01-01T00:00:00.000Z"})

    def answer(request: httpx.Request) -> bytes:
        asked = request.url.params
        where = " ".join(asked.get_list("where"))
        after = _AFTER.search(where)
        if request.url.path.endswith("/payments"):
            first = UUID(after[1]).int + 1 if after else 1
            shown = map(payments, range(first, min(first + int(asked["limit"]), count + 1)))
        else:
            shown = map(_with_id(order), [] if after else _IDS.findall(where))
        return b'{"results":[' + b",".join(shown) + b"]}"

    place = Resource("order", "/orders", "view_orders")
    reader = PaidOrders(client_on(answer), commercetools.settings(), place)
    return sum(len(page) for page in reader.read(DAY))


def _with_id(rows: Rows) -> Callable[[str], bytes]:
    template = rows(0)
    return lambda name: template.replace(b'"0"', f'"{name}"'.encode())


def commercetools_carts(count: int) -> int:
    """Read what a project's carts have reserved of one SKU."""
    line = {
        "quantity": 1,
        "variant": {"sku": "S1"},
        "reservation": {"typeId": "reservation", "id": "r"},
    }
    carts = rows_of({"id": "@@", "lineItems": [line]}, uuid_of)
    entry = {"id": uuid_of(1), "sku": "S1", "quantityOnStock": count, "availableQuantity": 0}

    def answer(request: httpx.Request) -> bytes:
        asked = request.url.params
        after = _AFTER.search(" ".join(asked.get_list("where")))
        if request.url.path.endswith("/inventory"):
            return orjson.dumps({"results": [] if after else [entry]})
        first = UUID(after[1]).int + 1 if after else 1
        shown = range(first, min(first + int(asked["limit"]), count + 1))
        return b'{"results":[' + b",".join(map(carts, shown)) + b"]}"

    reader = LevelReader(client_on(answer), commercetools.settings(cart_reservations=True))
    [units] = reader.stock(["S1"]).values()
    return units


def account(rows: Rows, count: int, name: str) -> ApiClient:
    """Open an account at Extensiv with rows in one list."""

    def answer(request: httpx.Request) -> bytes:
        page, limit = (int(request.url.params[key]) for key in ("page", "limit"))
        shown: range = range(0)
        if request.url.path.endswith(name):
            shown = range((page - 1) * limit, min(page * limit, count))
        return b'{"success_code":true,"response":[' + b",".join(map(rows, shown)) + b"]}"

    return client_on(answer)


def extensiv_stock(count: int) -> int:
    """Read an account's stock by warehouse."""
    settings = extensiv.settings_of()
    policy = InventoryPolicy(mode="by_node", nodes={"101": "a"})
    client = account(rows_of(ROW | {"sku": "SKU-@@"}), count, "/inventory")
    source = InventorySource(StockList(client, settings), settings, policy)
    return records(source.fetch(DAY), source.to_canonical)


def extensiv_shipments(count: int) -> int:
    """Read an account's orders with shipments."""
    settings, rules = extensiv.settings_of(), manhattan.connection_of()
    cartons = [extensiv.shipment(("SKU-1", 1)), extensiv.shipment(("SKU-2", 1))]
    changed = {"updated_date_time": "2026-03-19T10:00:00+00:00", "order_status": "at_wms"}
    document = orjson.loads(extensiv.view(*cartons, cust_ref="T-@@", **changed))
    client = account(rows_of(document), count, "/any")
    lists, origins = OrderLists(client, settings), Origins(settings, rules)
    source = ShipmentsSource(lists, origins, client.policy, settings, rules)
    return records(source.fetch(DAY), source.to_canonical)


def bigcommerce_customers(count: int) -> int:
    """Read a store's customers by its cursor."""
    rows = rows_of(customer(7, date_modified="2026-03-19T10:00:00Z") | {"company": "@@"})

    def answer(request: httpx.Request) -> bytes:
        first = int(request.url.params.get("after", "0"))
        last = min(first + int(request.url.params["limit"]), count)
        listed = [rows(n).replace(b'"id":7,', b'"id":%d,' % (n + 1), 1) for n in range(first, last)]
        end = b'{"cursor_pagination":{"end_cursor":"%d"}}' % last if listed else b"{}"
        return b'{"data":[' + b",".join(listed) + b'],"meta":' + end + b"}"

    settings = bigcommerce.settings(quota=10_000_000)
    source = CustomersSource(client_on(answer), settings, bigcommerce.connection())
    return records(source.fetch(DAY), source.to_canonical)


def bigcommerce_products(count: int) -> int:
    """Read a store's products with five variants each, by ascending id."""
    variants = [{"id": n, "sku": f"@@-{n}"} for n in range(1, 6)]
    moment = "2026-03-19T10:00:00Z"
    rows = rows_of({"id": 7, "name": "@@", "date_modified": moment, "variants": variants})

    def answer(request: httpx.Request) -> bytes:
        if not request.url.path.endswith("/products"):
            return b'{"data":[]}'
        first = int(request.url.params["id:greater"])
        last = min(first + int(request.url.params["limit"]), count)
        listed = [rows(n).replace(b'"id":7,', b'"id":%d,' % (n + 1), 1) for n in range(first, last)]
        return b'{"data":[' + b",".join(listed) + b"]}"

    source = ProductsSource(client_on(answer))
    return records(source.fetch(DAY), source.to_canonical)


_SINCE = re.compile(r">= '([^']+)'")


def manhattan_returns(count: int) -> int:
    """Read a tenant's returns, one a second."""
    document = a_return(returned()) | {"OrderId": "R-@@"}
    template = orjson.dumps(document | {"UpdatedTimestamp": "##"})

    def row(number: int) -> bytes:
        stamp = (START + timedelta(seconds=number)).isoformat(timespec="milliseconds")[:23]
        return template.replace(MARK, b"%d" % number).replace(b"##", stamp.encode())

    def answer(request: httpx.Request) -> bytes:
        asked = orjson.loads(request.content)
        found = _SINCE.search(asked["Query"])
        assert found is not None
        since = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
        first = max(0, int((since - START).total_seconds())) + asked["Page"] * asked["Size"]
        shown = map(row, range(first, min(first + asked["Size"], count)))
        return b'{"success":true,"data":[' + b",".join(shown) + b"]}"

    settings = manhattan.settings_of(search_page_size=200)
    rules = manhattan.connection_of()
    search = OrderSearch(client_on(answer), settings)
    source = ReturnsSource(search, OrderLookup(search, settings, rules), settings, rules)
    return records(source.fetch(DAY), source.to_canonical)


READERS: dict[str, Callable[[int], int]] = {
    reader.__name__: reader
    for reader in (
        commercetools_orders,
        commercetools_messages,
        commercetools_inventory,
        commercetools_catalog,
        commercetools_customers,
        commercetools_paid_orders,
        commercetools_carts,
        extensiv_stock,
        extensiv_shipments,
        bigcommerce_customers,
        bigcommerce_products,
        manhattan_returns,
        *OTHERS,
    )
}


def peak() -> float:
    """Return this program's peak in megabytes.

    Not that of ``getrusage``, which starts with the size of the process that has started this one.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    [line] = [one for one in status.read_text().splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def growth() -> dict[str, float]:
    """Return by how many megabytes each reader has raised the peak with many records."""
    raised: dict[str, float] = {}
    for count in (SMALL, LARGE):
        for name, reader in READERS.items():
            before, found = peak(), reader(count)
            if found != count:
                raise SystemExit(f"{name}: {found} of {count} records were read")
            raised[name] = peak() - before
    return raised


if __name__ == "__main__":
    print(orjson.dumps(growth()).decode())  # noqa: T201 - the result
