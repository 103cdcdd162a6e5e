"""Every exchange of the BigCommerce connector, checked against the official OpenAPI files.

A tap at the store's door records what really arrives and leaves, from both HTTP clients. What the
files refuse although the vendor documents it is listed in ``REQUEST_FLAWS`` and nowhere else (and
in the connector's README).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import orjson
import pytest
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from domain.delivery import Claimed, Intent, ListingSave, NewListing, Outcome
from domain.errors import PermanentError, RecordRejected
from domain.exchange import ShipmentLine, ShipmentRequest
from domain.listings import new_id
from domain.prices import PriceChange, PricePlace, PriceTag
from domain.records.catalog import Attribute
from domain.records.inventory import StockTarget
from domain.records.listings import Listing, NewVariant
from domain.values import Window
from sandbox.app import RunningSandbox, running_sandbox
from sandbox.system import Request, Response
from tests.contracts.specs import spec
from tests.resources.platforms.bigcommerce.stores import (
    ADDRESS,
    HASH,
    calls_of,
    feed_of,
    platform,
    read_items,
    read_orders,
)
from tests.shared import shared_path

Json = dict[str, Any]
Exchanged = tuple[Request, Response]

UNDESCRIBED = ("/v2/coupons", "/v3/content/pages", "/v3/customers")
"""Preflight tries whether a token may read these, and looks at nothing but the status; the
simulated store has none of them."""

HOST = "https://api.bigcommerce.com"
REQUEST_FLAWS = ("'date_modified:asc' is not one of",)
"""The text of ``sort`` asks for a direction after a colon, its enum lists bare names only."""
BODILESS = 204
"""Not declared for the order list, declared without content for shipments, which the validator
takes for missing data: nothing to check."""
NOW = datetime(2026, 3, 19, tzinfo=UTC)
FILES = (
    ("/v2/orders", "orders.v2.oas2.yml"),
    ("/v3/orders", "orders.v3.yml"),
    ("/v3/inventory/locations", "locations.v3.yml"),
    ("/v3/inventory", "inventory.v3.yml"),
    ("/v3/catalog/variants", "catalog/product-variants_catalog.v3.yml"),
    ("/v3/catalog", "catalog/products_catalog.v3.yml"),
    ("/v3/pricelists", "price_lists.v3.yml"),
    ("/v3/channels", "channels.v3.yml"),
    ("/v3/hooks", "webhooks.v3.yml"),
    ("/v2/store", "store_information.v2.yml"),
    ("/v2/time", "store_information.v2.yml"),
)


@pytest.fixture
def tap() -> Iterator[tuple[RunningSandbox, list[Exchanged]]]:
    """A store with orders, a catalog and two locations, and the list of all exchanges with it."""
    shared_path("contracts/bigcommerce")
    with running_sandbox() as sandbox:
        control = f"{sandbox.url}/_sandbox/bigcommerce/{HASH}"
        httpx.post(
            f"{control}/catalog",
            json=[
                {"id": 11, "sku": "A-1"},
                {"id": 12, "sku": "S", "variants": [{"sku": "S-1"}, {"sku": "S-2"}]},
            ],
        )
        httpx.post(f"{control}/locations", json=[{"id": 5, "code": "EAST", "label": "East"}])
        httpx.post(f"{control}/orders", json=[document(i) for i in range(12)]).raise_for_status()
        store: Any = sandbox.server.systems["bigcommerce", HASH]
        exchanged: list[Exchanged] = []
        answer = store.handle

        def handle(request: Request) -> Response:
            response: Response = answer(request)
            exchanged.append((request, response))
            return response

        store.handle = handle
        yield sandbox, exchanged


def document(i: int) -> Json:
    """Return an order to place; each third one has a coupon and lines of all kinds."""
    moment = (NOW + timedelta(seconds=i * 60)).isoformat()
    base: Json = {
        "id": 1000 + i,
        "date_created": moment,
        "date_modified": moment,
        "billing_address": ADDRESS,
        "shipping_addresses": [
            ADDRESS | {"shipping_method": "Ground", "cost_ex_tax": 5, "cost_inc_tax": 5.5}
        ],
        "products": [
            {"sku": "A-1", "product_id": 11, "quantity": 2, "price_ex_tax": 10, "price_inc_tax": 11}
        ],
    }
    if i % 3:
        return base
    event = {
        "event": "authorization",
        "method": "credit_card",
        "amount": 27.5,
        "gateway": "stripe",
        "gateway_transaction_id": "a",
    }
    base["products"] += [
        {"sku": "D", "type": "digital"},
        {"type": "giftcertificate", "gift_certificate_id": 3},
    ]
    return base | {
        "payment_status": "authorized",
        "transactions": [event],
        "coupon_discount": 1,
        "coupons": [{"code": "ONE", "amount": 1}],
        "fees": [{"cost_ex_tax": 1}],
    }


def check(exchange: Exchanged) -> list[str]:
    """Return what the official file has against an exchange."""
    request, response = exchange
    path = request.path.removeprefix(f"/stores/{HASH}")
    if path in UNDESCRIBED:
        return []
    name = next(file for prefix, file in FILES if path.startswith(prefix))
    args = {key: values[-1] for key, values in request.query.items()}
    kind = response.headers.get("Content-Type", "application/json")
    sent = MockRequest(
        HOST,
        request.method.lower(),
        request.path,
        args=args,
        headers=request.headers,
        data=request.body or None,
    )
    got = MockResponse(response.body, response.status, response.headers, kind)
    found = _errors(spec(name).validate_request, REQUEST_FLAWS, sent)
    if response.status != BODILESS:
        found += _errors(spec(name).validate_response, (), sent, got)
    return [f"{request.method} {path} {text}" for text in found]


def _errors(validate: Any, flaws: tuple[str, ...], *parts: Any) -> list[str]:
    try:
        validate(*parts)
    except OpenAPIError as error:
        causes: list[Any] = [error]
        while causes[-1].__cause__ is not None:
            causes.append(causes[-1].__cause__)
        errors = [
            str(inner.message) for cause in causes for inner in getattr(cause, "schema_errors", ())
        ] or [repr(causes[-1])]
        return [text for text in errors if not any(flaw in text for flaw in flaws)]
    return []


def test_everything_read_fits_the_official_files(
    tap: tuple[RunningSandbox, list[Exchanged]],
) -> None:
    """Windows, probe, extras, catalog, locations, stock, preflight."""
    sandbox, exchanged = tap
    reader = platform(sandbox.url, page_size=5, channel_id=1)
    day = Window(NOW, NOW + timedelta(days=1))
    assert sum(len(page) for page in read_orders(reader, day)) == 12
    assert list(read_orders(reader, Window(NOW + timedelta(days=2), NOW + timedelta(days=3)))) == []
    assert reader.sources["orders"].probe(NOW) == NOW
    assert {item.sku for page in read_items(reader) for item in page} == {"A-1", "S-1", "S-2"}
    assert reader.targets["inventory"].locations()["default"] == "1"
    reader.targets["inventory"].levels(["A-1", "S-1"])
    reader.close()
    checker = platform(sandbox.url)
    assert [check for check in checker.preflight() if not check.ok] == []
    checker.close()
    seen = {request.path.removeprefix(f"/stores/{HASH}") for request, _ in exchanged}
    assert {
        "/v2/orders",
        "/v3/orders/1000/transactions",
        "/v3/catalog/products",
        "/v3/inventory/items",
        "/v2/time",
    } <= seen
    # Preflight's writes to nothing are refused on purpose, and no file describes a refusal of
    # requests that make no change.
    read = [exchange for exchange in exchanged if exchange[0].method == "GET"]
    assert [problem for exchange in read for problem in check(exchange)] == []


SPOILED = (
    ("consignments", "x"),
    ("consignments.shipping", "x"),
    ("consignments.shipping", [{"id": "one"}]),
    ("consignments.shipping.0.line_items", "x"),
    ("consignments.shipping.0.line_items.0.quantity", "two"),
    ("consignments.shipping.0.shipping_quotes", 7),
    ("consignments.downloads.0.line_items.0.id", "x"),
    ("consignments.email.gift_certificates", [{"recipient_email": 1}]),
    ("fees", "x"),
    ("fees.0.cost_ex_tax", {}),
    ("products", 3),
    ("billing_address.zip", 78701),
)
"""Path in an order, and a value that the official file does not allow there."""


@pytest.mark.parametrize(("path", "value"), SPOILED)
def test_no_part_of_an_order_goes_unchecked(
    tap: tuple[RunningSandbox, list[Exchanged]], path: str, value: Any
) -> None:
    """The alternatives of the file are distinguished: none of them takes everything."""
    sandbox, exchanged = tap
    url = f"{sandbox.url}/bigcommerce/{HASH}/stores/{HASH}/v2/orders"
    params = {
        "include": "consignments.line_items,fees",
        "consignment_structure": "object",
        "limit": "1",
    }
    httpx.get(url, params=params, headers=AUTH).raise_for_status()
    [(request, response)] = exchanged
    assert check((request, response)) == []
    orders = orjson.loads(response.body)
    *parents, last = [int(name) if name.isdigit() else name for name in path.split(".")]
    part = orders[0]
    for name in parents:
        part = part[name]
    part[last] = value
    spoiled = Response(response.status, orjson.dumps(orders), response.headers)
    assert check((request, spoiled)) != []


def test_everything_written_fits_the_official_files(
    tap: tuple[RunningSandbox, list[Exchanged]],
) -> None:
    """Stock with a refused row, tracking, shipments, statuses, and what is refused."""
    sandbox, exchanged = tap
    store = platform(sandbox.url)
    items = {item.sku: item for page in read_items(store) for item in page}
    items["A-1"] = msgspec.structs.replace(items["A-1"], tracking="variant")
    [[line]] = [
        httpx.get(
            f"{sandbox.url}/bigcommerce/{HASH}/stores/{HASH}/v2/orders/1001/products", headers=AUTH
        ).json()
    ]

    async def write() -> None:
        async with calls_of(store, lambda _: None) as writer:
            targets = [
                StockTarget(sku="A-1", location="1", quantity=3),
                StockTarget(sku="S-1", location="5", quantity=4),
            ]
            assert all(
                answer.problem is None for answer in await writer.put_stock(targets, items, "test")
            )
            await writer.stop_tracking(items["A-1"])
            assert await writer.list_shipments("1001") == []
            lines = (ShipmentLine(str(line["id"]), 1),)
            request = ShipmentRequest(
                "1001", str(line["order_address_id"]), lines, "1Z12345E0291980793", "ups", "Ground"
            )
            made = await writer.create_shipment(request, "ord-1")
            await writer.update_shipment(
                made.target_id, replace(request, tracking_number="1Z12345E1512345676"), "ord-1"
            )
            assert len(await writer.list_shipments("1001")) == 1
            await writer.read_order("1001")
            await writer.put_status("1001", "3", "ord-1")
            with pytest.raises((RecordRejected, PermanentError)):
                await writer.create_shipment(ShipmentRequest("1001", "1", lines), "ord-1")

    asyncio.run(write())
    store.close()
    refused = [exchange for exchange in exchanged if exchange[1].status == 400]
    assert [
        problem for exchange in exchanged if exchange not in refused for problem in check(exchange)
    ] == []
    undeclared = (
        "POST /v2/orders/1001/shipments "
        "ResponseNotFound(http_status='400', availableresponses=['201'])"
    )
    assert [error for exchange in refused for error in check(exchange)] == [undeclared]


PRICE_FLAWS = [
    "PUT /v3/catalog/products Tried to write read-only property with 11",
    "PUT /v3/catalog/variants None for not nullable",
    "PUT /v3/catalog/variants None is not of type 'number'",
    "PUT /v3/pricelists/3/records None for not nullable",
    "PUT /v3/pricelists/3/records None is not of type 'number'",
]
"""A batch of products is addressed by ids, which the file demands and calls read-only. What ends a
sale: of a variant the file marks null as allowed by an ``x-nullable`` of its own, and of a record
it says that an empty one counts as not set."""


def test_prices_read_and_written_fit_the_official_files(
    tap: tuple[RunningSandbox, list[Exchanged]],
) -> None:
    """Of products, variants and a price list: a sale, its end, and a row that is refused."""
    sandbox, exchanged = tap
    control = f"{sandbox.url}/_sandbox/bigcommerce/{HASH}"
    httpx.post(f"{control}/pricelists", json=[{"id": 3, "name": "B2B"}]).raise_for_status()
    store = platform(sandbox.url, sections={"streams": ["orders", "prices"]})
    items = {item.sku: item for page in read_items(store) for item in page}
    places = [PricePlace(items[sku], "catalog", "USD") for sku in ("A-1", "S-1")]
    places.append(PricePlace(items["S-2"], "3", "EUR"))
    target = store.targets["prices"]

    async def write(tag: PriceTag) -> list[Outcome]:
        shown = target.prices(places)
        async with target.writer(lambda _: None) as writer:
            found: list[Outcome] = []
            for place in places:
                change = PriceChange(place, tag, shown[place.key])
                intent = Intent(shown[place.key].operation, uuid4(), place.key, change)
                found += await writer.apply([Claimed(intent, "prc-1")])
            return found

    for tag in (PriceTag(Decimal("19.99"), Decimal(15)), PriceTag(Decimal("20.5"))):
        assert [one.state for one in asyncio.run(write(tag))] == ["done"] * 3
        assert {one.tag for one in target.prices(places).values()} == {tag}
    assert [check for check in store.preflight() if not check.ok] == []
    store.close()
    written = {
        request.path.rpartition("/stores/")[2]
        for request, _ in exchanged
        if request.method == "PUT"
    }
    assert {f"{HASH}/v3/catalog/{name}" for name in ("products", "variants")} <= written
    assert f"{HASH}/v3/pricelists/3/records" in written
    # Preflight tries a write to no product, which no file describes.
    problems = [text for each in exchanged for text in check(each) if "products/0" not in text]
    assert sorted(set(problems)) == PRICE_FLAWS


def test_registering_webhooks_fits_the_official_file(
    tap: tuple[RunningSandbox, list[Exchanged]],
) -> None:
    """Registering, switching on and listing; the file demands one entry at least in a list."""
    sandbox, exchanged = tap
    store = platform(
        sandbox.url,
        client_secret={"env": "X"},
        hook_secret={"env": "Y"},
        hook_scopes=["store/order/*", "store/shipment/*"],
    )
    destination = "https://hooks.example.com/hooks/acme/platform"
    assert len(feed_of(store).ensure(destination)) == 2
    httpx.post(
        f"{sandbox.url}/_sandbox/bigcommerce/{HASH}/hooks", json={"switch_off": True}
    ).raise_for_status()
    assert len(feed_of(store).ensure(destination)) == 2
    assert all(check.ok for check in feed_of(store).state(destination))
    store.close()
    # The store has none at first, and each of the other two lists ends with an empty page.
    assert [problem for exchange in exchanged for problem in check(exchange)] == [
        "GET /v3/hooks [] should be non-empty"
    ] * 3


LISTING_FLAWS = [
    "POST /v3/catalog/products 'id' is a required property",
    "POST /v3/catalog/products 'product_id' is a required property",
]
"""Of the variants of a product to create, which have none yet."""
PICTURE = "https://img.example.com/1.jpg"


def test_products_listed_and_created_fit_the_official_files(
    tap: tuple[RunningSandbox, list[Exchanged]],
) -> None:
    """A single product, a group, a change of texts and pictures, a name that is taken."""
    sandbox, exchanged = tap
    catalog = {"create_brands": True}
    sections = {"streams": ["orders", "listings"], "catalog": catalog}
    store = platform(sandbox.url, sections=sections)
    target = store.targets["listings"]
    sizes = tuple(
        NewVariant(sku=f"NEW-{size}", options=(Attribute(name="Size", value=size),), price=price)
        for size, price in (("S", None), ("L", Decimal("7.25")))
    )
    made: Json = {"price": Decimal("5.5"), "weight": Decimal(1), "images": (PICTURE,)}
    listings = [
        Listing(product_id=new_id("NEW"), sku="NEW", name="Mug", warranty="1 year", **made),
        Listing(product_id=new_id("NEW-S"), sku="NEW-S", name="Tee", variants=sizes, **made),
    ]

    async def write() -> list[Outcome]:
        async with target.writer(lambda _: None) as writer:
            found: list[Outcome] = []
            for listing in listings:
                held = (await writer.held({listing.product_id: ()}))[listing.product_id]
                assert held.content is None
                new = NewListing(listing, "", is_visible=True, counts_stock=True)
                intent = Intent("create", uuid4(), listing.product_id, new)
                found += await writer.apply([Claimed(intent, "prd-1")])
                held = (await writer.held({listing.product_id: ()}))[listing.product_id]
                assert held.target_id == found[-1].target_id
            texts = {"name": "Cup", "brand": "Kiln"}
            save = ListingSave(found[0].target_id, texts, (PICTURE,))
            named = msgspec.structs.replace(listings[0], brand="Kiln")
            held = (await writer.held({save.product_id: (named,)}))[save.product_id]
            assert held.content["brand"] == ""
            intent = Intent("update", uuid4(), save.product_id, save)
            found += await writer.apply([Claimed(intent, "prd-1")])
            other = msgspec.structs.replace(listings[0], sku="X", name="Tee")
            new = NewListing(other, "", is_visible=False, counts_stock=False)
            found += await writer.apply([Claimed(Intent("create", uuid4(), "new:X", new), "p")])
            return found

    outcomes = asyncio.run(write())
    assert [one.state for one in outcomes] == ["done", "done", "done", "refused"]
    assert [check for check in store.preflight() if not check.ok] == []
    store.close()
    known = ("products/0", "/v3/catalog/brands")  # of the latter there is no file
    problems = [text for each in exchanged for text in check(each)]
    problems = [text for text in problems if not any(part in text for part in known)]
    assert sorted(set(problems)) == LISTING_FLAWS


AUTH = {"X-Auth-Token": f"sandbox-token-{HASH}", "Accept": "application/json"}
