"""Every exchange of the commercetools connector, compared with the official OpenAPI file.

A tap at the simulated project's door records what really arrives and leaves, from both HTTP
clients. The official examples are mapped.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from domain.delivery import (
    Claimed,
    Intent,
    LevelChange,
    ListingSave,
    NewListing,
    NewShipment,
    Outcome,
    ShipmentChange,
    StatusChange,
)
from domain.exchange import Mapped, ShipmentLine, ShipmentRequest
from domain.listings import new_id
from domain.prices import PriceChange, PricePlace, PriceTag
from domain.records.catalog import Attribute
from domain.records.inventory import StockTarget, StoreItem
from domain.records.listings import Listing, NewVariant
from domain.refunds import RefundRequest, ReturnedUnits, ReturnRecord
from domain.rules.export import always
from domain.values import Window
from resources.http.rate_limit import LocalQuota
from resources.platforms.commercetools.adapter import build
from resources.platforms.commercetools.answers_payload import CHANNELS, ENTRIES
from resources.platforms.commercetools.inventory import entry_of
from resources.platforms.commercetools.orders.delivered import to_store_snapshot
from resources.platforms.commercetools.orders.mapping import OrderMapper
from resources.platforms.commercetools.statuses import SHIPMENT_STATES
from sandbox.app import RunningSandbox
from sandbox.system import Request, Response
from tests.contracts.commercetools import HOST, answered, asked, deviations, official
from tests.resources.platforms.commercetools.projects import connection, settings
from tests.sandbox.simulated_project import ADDRESS, Project, an_order
from tests.shared import shared_path

pytestmark = pytest.mark.slow

Json = dict[str, Any]
Exchanged = tuple[Request, Response]
DAY = datetime(2026, 3, 4, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=1))
STREAMS = ("orders", "customers", "inventory", "shipments", "returns", "prices", "listings")
DISCOUNT = "6f1d3c57-8f4c-4b63-9d0a-000000000001"
TOKEN = "/oauth/token"
FLAW = re.compile(
    r"(?P<orders>\$(\.results\[\d+\])?\.type)|.*\.(created|lastModified)By\.isPlatformClient"
)
"""Fields of the official examples that the file's schemas lack: ``"type": "Order"``, and one of the
client that made a change."""
BODILESS = (404,)
"""The file states no body of it."""


class Tapped:
    """A project, a connector to it, and all exchanges between the two."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.project = Project(sandbox.url, f"p{uuid4().hex[:10]}")
        self.exchanged: list[Exchanged] = []
        chosen = settings(
            stock_conditions=("Good",),
            unusable_conditions=("Bad",),
            project_key=self.project.name,
            region=None,
            api_url=self.project.url,
            auth_url=self.project.url,
            requests_per_second=100_000,
            page_size=5,
            complete_at="delivered",
            sale_discount=DISCOUNT,
            cart_reservations=True,
            payment_changes=True,
            locales=("en",),
            product_type="shirts",
            workflow_states={"canceled": ["dropped"]},
        )
        secret = f"sandbox-secret-{self.project.name}"
        self.store = build(chosen, connection(streams=STREAMS), lambda _: secret, LocalQuota())
        system: Any = sandbox.server.systems["commercetools", self.project.name]
        self._answer = system.handle
        system.handle = self._handle

    def _handle(self, request: Request) -> Response:
        response: Response = self._answer(request)
        self.exchanged.append((request, response))
        return response

    def apply(self, stream: str, content: Any) -> Outcome:
        """Write one intent to a stream's target."""

        async def run() -> list[Outcome]:
            async with self.store.targets[stream].writer(lambda _: None) as writer:
                claimed = [Claimed(Intent("any", uuid4(), "key", content), "ord-1")]
                found: list[Outcome] = await writer.apply(claimed)
                return found

        [outcome] = asyncio.run(run())
        return outcome

    def bodies(self) -> list[Json]:
        """Return the bodies of all writes."""
        return [
            orjson.loads(request.body)
            for request, _ in self.exchanged
            if request.method == "POST" and not request.path.endswith(TOKEN)
        ]

    def problems(self) -> list[str]:
        """Return what the official file has against the exchanges."""
        found = [text for each in self.exchanged for text in self.check(each)]
        return sorted(set(found))

    def check(self, exchange: Exchanged) -> list[str]:
        """Return what the official file has against an exchange."""
        request, response = exchange
        if request.path.endswith(TOKEN):
            return []
        path = "/" + request.path.strip("/")
        template = _template(path, self.project.name)
        sent = MockRequest(
            HOST,
            request.method.lower(),
            path,
            args=dict(request.query),
            headers=dict(request.headers),
            data=request.body or None,
        )
        kind = response.headers.get("Content-Type", "application/json").partition(";")[0]
        got = MockResponse(response.body, response.status, dict(response.headers), kind)
        found = _errors(official().validate_request, sent)
        if request.body and (schema := asked(template, request.method)):
            found += deviations(orjson.loads(request.body), schema)
        if response.status not in BODILESS:
            found += _errors(official().validate_response, sent, got)
            schema = answered(template, request.method, response.status)
            differing = deviations(orjson.loads(response.body), schema or {})
            found += [text for text in differing if not _is_flaw(text, template)]
        return [f"{request.method} {template} {text}" for text in found]


def _is_flaw(text: str, template: str) -> bool:
    name, _, problem = text.partition(" ")
    found = FLAW.fullmatch(name) if problem == "is not a field" else None
    return found is not None and (found["orders"] is None or "/orders" in template)


def _template(path: str, project: str) -> str:
    """Return a path as the file names it."""
    rest = path.removeprefix(f"/{project}")
    return "/{projectKey}" + re.sub(r"/[0-9a-f-]{36}$", "/{ID}", rest)


def _errors(validate: Any, *parts: Any) -> list[str]:
    try:
        validate(*parts)
    except OpenAPIError as error:
        causes: list[BaseException] = [error]
        while causes[-1].__cause__ is not None:
            causes.append(causes[-1].__cause__)
        return [
            f"{list(inner.absolute_path)}: {inner.message[:200]}"
            for cause in causes
            for inner in getattr(cause, "schema_errors", ())
        ] or [repr(causes[-1])]
    return []


@pytest.fixture
def tapped(sandbox: RunningSandbox) -> Iterator[Tapped]:
    """A project with orders of every kind of line, customers, stock, channels and products."""
    shared_path("contracts/commercetools")
    made = Tapped(sandbox)
    project = made.project
    fee = {"money": "2.00", "name": {"en": "Gift wrap"}, "slug": "wrap", "taxRate": 0.2}
    project.place(an_order(customLineItems=[fee]), an_order("2", taxIncluded=True))
    project.place(*(an_order(str(n)) for n in range(3, 12)))
    people = [
        {"email": f"j{n}@example.com", "addresses": [ADDRESS], "at": DAY.isoformat()}
        for n in range(7)
    ]
    gone, *_ = project.set("customers", people)["ids"]
    project.api.delete(f"/customers/{gone}", params={"version": 1})
    project.set("channels", [{"key": "EAST"}])
    project.set("states", [{"key": "dropped"}])
    project.set("catalog", [{"sku": "MUG"}, {"variants": [{"sku": "S"}, {"sku": "M"}]}])
    project.set("stock", [{"sku": "MUG", "quantity": 5, "reserved": 2}])
    made.exchanged.clear()
    yield made
    made.store.close()


def test_everything_read_fits_the_official_file(tapped: Tapped) -> None:
    """Windows, pages, probes, single records, deletions, catalog, locations, levels."""
    store = tapped.store
    orders = [r.source_id for p in store.sources["orders"].fetch(WINDOW) for r in p.records]
    assert len(orders) == 11
    assert store.sources["orders"].probe(DAY) is not None
    assert [r for p in store.sources["orders"].read(orders[:2]) for r in p.records]
    now = datetime.now(UTC)
    people = Window(DAY, now + timedelta(minutes=1))
    assert len([r for p in store.sources["customers"].fetch(people) for r in p.records]) >= 6
    store.sources["customers"].probe(now + timedelta(days=1))
    assert [r for p in store.sources["catalog"].fetch(WINDOW) for r in p.records]
    assert "EAST" in store.targets["inventory"].locations()
    assert store.targets["inventory"].levels(["MUG"])
    seen = {_template(request.path, tapped.project.name) for request, _ in tapped.exchanged}
    assert {
        f"/{{projectKey}}/{name}"
        for name in (
            "orders",
            "customers",
            "messages",
            "channels",
            "inventory",
            "product-projections",
        )
    } <= seen
    assert tapped.problems() == []


def test_prices_read_and_written_fit_the_official_file(tapped: Tapped) -> None:
    """New ones in each scope, changed ones, a sale and its end, and a version of before."""
    project, target = tapped.project, tapped.store.targets["prices"]
    project.set("channels", [{"key": "web", "roles": ["ProductDistribution"]}])
    [product_id] = project.set("catalog", [{"sku": "CUP", "priceMode": "Standalone"}])["ids"]
    tapped.exchanged.clear()
    item = StoreItem(sku="CUP", parent_id=product_id, item_id="1", tracking="variant")
    lists = ("catalog", "country=DE", "country=DE,channel=web")
    places = [PricePlace(item, name, "EUR") for name in lists]
    for regular, sale in (("10.00", "8.50"), ("11.00", None)):
        tag = PriceTag(Decimal(regular), Decimal(sale) if sale else None)
        shown = target.prices(places)
        for place in places:
            change = PriceChange(place, tag, shown[place.key])
            assert tapped.apply("prices", change).state == "done"
        assert {one.tag for one in target.prices(places).values()} == {tag}
        stale = PriceChange(places[0], PriceTag(Decimal(12)), shown[places[0].key])
        assert tapped.apply("prices", stale).state == "retry"
    assert tapped.problems() == []
    actions = [each["action"] for body in tapped.bodies() for each in body.get("actions", ())]
    assert set(actions) == {"changeValue", "setDiscountedPrice"}


def test_products_read_and_listed_fit_the_official_file(tapped: Tapped) -> None:
    """Texts, the warranty at each level and in each kind, pictures, and a version of before."""
    project = tapped.project
    kinds = {
        "plain": ("text", "Variant"),
        "whole": ("text", "Product"),
        "tongues": ("ltext", "Variant"),
    }
    types = [
        {"key": f"t-{key}", "attributes": [{"name": "warranty", "type": kind, "level": level}]}
        for key, (kind, level) in kinds.items()
    ]
    project.set("product-types", types)
    rows = [
        {"productType": f"t-{key}", "variants": [{"sku": f"{key}-S"}, {"sku": f"{key}-L"}]}
        for key in kinds
    ]
    ids = project.set("catalog", rows)["ids"]
    project.set("categories", [{"id": name, "name": name} for name in "ab"])
    tapped.exchanged.clear()
    one, two = (f"https://img.example.com/{n}.jpg" for n in (1, 2))
    for product_id in ids:
        for texts, images in (
            ({"name": "Mug", "warranty": "1"}, (one, two)),
            ({"description": "d"}, (two, one)),
            ({"warranty": ""}, (two,)),
        ):
            assert tapped.apply("listings", ListingSave(product_id, texts, images)).state == "done"
        for names in (("a",), ("b",)):
            save = ListingSave(product_id, {}, categories=names)
            assert tapped.apply("listings", save).state == "done"
    stale = {"version": 1, "actions": []}
    assert project.api.post(f"/products/{ids[0]}", json=stale).status_code == 409
    assert project.api.get(f"/products/{ids[0]}").is_success
    found = {action["action"] for body in tapped.bodies() for action in body["actions"]}
    assert found == {
        "changeName",
        "setDescription",
        "addToCategory",
        "removeFromCategory",
        "setAttributeInAllVariants",
        "setProductAttribute",
        "addExternalImage",
        "moveImageToPosition",
        "removeImage",
    }
    assert tapped.problems() == []


def test_new_products_fit_the_official_file(tapped: Tapped) -> None:
    """A single one and a group, and a second one with a SKU, which is refused."""
    names = {"warranty": "text", "size": "text", "cut": "ltext"}
    attributes = [{"name": name, "type": kind} for name, kind in names.items()]
    tapped.project.set("product-types", [{"key": "shirts", "attributes": attributes}])
    tapped.exchanged.clear()
    picture = "https://img.example.com/1.jpg"
    made: Json = {"price": Decimal("5.5"), "images": (picture,), "warranty": "1 year"}
    sizes = tuple(
        NewVariant(
            sku=f"TEE-{size}",
            options=(Attribute(name="Size", value=size), Attribute(name="Cut", value="Slim")),
        )
        for size in "SL"
    )
    for sku, variants in (("NEW", None), ("TEE-S", sizes)):
        listing = Listing(product_id=new_id(sku), sku=sku, name=sku, variants=variants, **made)
        new = NewListing(listing, "EUR", is_visible=True, counts_stock=False)
        assert tapped.apply("products", new).state == "done"
        assert tapped.apply("products", new).state == "retry"
    assert any(response.status == 400 for _, response in tapped.exchanged)
    assert tapped.problems() == []


def charged() -> Json:
    """Return a payment that was charged."""
    base: Json = an_order()["payments"][0]
    charge = {"type": "Charge", "state": "Success", "amount": "46.80", "interactionId": "ch-1"}
    return base | {"transactions": [*base["transactions"], charge]}


def _parcel(order: Json, units: int, tracking: str = "1Z") -> ShipmentRequest:
    lines = (ShipmentLine(order["lineItems"][0]["id"], units),)
    return ShipmentRequest(order["id"], "shipping", lines, tracking, "ups", "Ground", "UPS")


def _level(sku: str, quantity: int, location: str = "default") -> LevelChange:
    target = StockTarget(sku=sku, location=location, quantity=quantity)
    return LevelChange(target, StoreItem(sku=sku, parent_id="p", item_id="1", tracking="variant"))


def test_everything_written_fits_the_official_file(tapped: Tapped) -> None:
    """Deliveries of both shipping modes, tracking, each state, and levels, new and changed."""
    store, project = tapped.store, tapped.project
    other = ADDRESS | {"key": "office", "streetName": "Second Street"}
    split = an_order(
        "20",
        shippingMode="Multiple",
        shipping=[
            {
                "shippingKey": "fast",
                "shippingAddress": ADDRESS,
                "shippingInfo": {"shippingMethodName": "Ground", "price": "5.00", "taxRate": 0.2},
            }
        ],
        itemShippingAddresses=[other],
    )
    del split["shippingInfo"]
    ids = project.place(an_order("12"), an_order("13"), split)
    plain, canceled, several = (project.order(i) for i in ids)
    tapped.exchanged.clear()
    made = tapped.apply("shipments", NewShipment("p", _parcel(plain, 2)))
    assert made.state == "done"
    late = ShipmentChange("p", made.target_id, _parcel(plain, 2, "1Z9"))
    assert tapped.apply("shipments", late).state == "done"
    by_way = ShipmentRequest(several["id"], "fast", _parcel(several, 1).lines, "1Z8", "ups")
    tapped.apply("shipments", NewShipment("p", by_way))
    for state in SHIPMENT_STATES:
        assert tapped.apply("shipments", StatusChange(plain["id"], state)).state == "done"
    assert tapped.apply("shipments", StatusChange(canceled["id"], "Cancelled")).state == "done"
    channel = store.targets["inventory"].locations()["EAST"]
    for change in (_level("MUG", 9), _level("NEW", 4), _level("MUG", 3, channel)):
        assert tapped.apply("inventory", change).state == "done"
    kinds = {action["action"] for body in tapped.bodies() for action in body.get("actions", ())}
    assert {
        "addDelivery",
        "setParcelTrackingData",
        "changeShipmentState",
        "changeOrderState",
        "changeQuantity",
    } <= kinds
    assert any("quantityOnStock" in body for body in tapped.bodies())
    assert tapped.problems() == []


def test_carts_that_reserve_fit_the_official_file(tapped: Tapped) -> None:
    """They are read with the levels, to be shown and before one is written."""
    tapped.project.set("stock", [{"sku": "MUG", "quantity": 10}])
    tapped.project.set("carts", [{"lineItems": [{"sku": "MUG", "quantity": 2}]}])
    assert tapped.store.targets["inventory"].levels(["MUG"])["MUG", "default"] == 10
    assert tapped.apply("inventory", _level("MUG", 9)).state == "done"
    asked = [request for request, _ in tapped.exchanged if request.path.endswith("/carts")]
    assert len(asked) == 8, "twice each, in two pages, the last one empty"
    assert tapped.problems() == []


def test_returns_and_refunds_fit_the_official_file(tapped: Tapped) -> None:
    """Return info, each of its states, and a transaction; the same again changes nothing."""
    [order_id] = tapped.project.place(an_order("16", payments=[charged()]))
    line = tapped.project.order(order_id)["lineItems"][0]["id"]
    tapped.exchanged.clear()
    for condition, arrived, refunded in (("Good", 1, 0), ("Good", 2, 2), ("Bad", 3, 2)):
        units = ReturnedUnits(line, arrived, arrived, refunded, condition, "Wrong Size")
        shown = ReturnRecord(order_id, "R-1", (units,), "1Z")
        assert tapped.apply("returns", shown).state == "done"
    exchange = ReturnRecord(
        order_id, "R-1", (ReturnedUnits(line, 3, 3, 2),), "1Z", is_refunded=False
    )
    assert tapped.apply("returns", exchange).state == "done"
    request = RefundRequest(
        order_id, "R-1", (ShipmentLine(line, 2),), None, "USD", Decimal("19.20")
    )
    assert tapped.apply("returns", request).state == "done"
    kinds = {action["action"] for body in tapped.bodies() for action in body["actions"]}
    assert kinds == {
        "addReturnInfo",
        "setReturnShipmentState",
        "setReturnPaymentState",
        "addTransaction",
    }
    assert any("/payments/" in request.path for request, _ in tapped.exchanged)
    writes = len(tapped.bodies())
    assert tapped.apply("returns", exchange).state == "done"
    assert len(tapped.bodies()) == writes
    assert tapped.problems() == []


def test_what_is_refused_fits_the_official_file(tapped: Tapped) -> None:
    """A conflict that is read and planned again, and rows at a channel that does not exist."""
    [order_id] = tapped.project.place(an_order("14"))
    order = tapped.project.order(order_id)
    body = {"version": 99, "actions": []}
    assert tapped.project.api.post(f"/orders/{order['id']}", json=body).status_code == 409
    refused = tapped.apply("inventory", _level("MUG", 3, str(uuid4())))
    assert refused.state == "refused"
    assert {response.status for _, response in tapped.exchanged} >= {400, 409}
    assert tapped.problems() == []


def test_the_preflight_fits_the_official_file(tapped: Tapped) -> None:
    """Its writes are of no record, so their answers are refusals."""
    assert [check for check in tapped.store.preflight() if not check.ok] == []
    assert tapped.problems() == []


SPOILED = (
    ("results.0.lineItems", "x"),
    ("results.0.lineItems.0.quantity", "two"),
    ("results.0.lineItems.0.price.value.centAmount", "1000"),
    ("results.0.lineItems.0.price.value.type", "anyPrecision"),
    ("results.0.lineItems.0.extra", 1),
    ("results.0.taxedPrice.totalGross", 7),
    ("results.0.orderState", "Opened"),
    ("results.0.shippingInfo.deliveries", {}),
    ("results.0.shippingAddress.country", 5),
    ("results.0.paymentInfo.payments.0.obj.transactions.0.state", "Done"),
    ("count", "one"),
)
"""Path in a page of orders, and a value that the official file does not allow there."""


@pytest.mark.parametrize(("path", "value"), SPOILED)
def test_no_part_of_an_order_goes_unchecked(tapped: Tapped, path: str, value: Any) -> None:
    """Kinds are followed by their discriminator, and an unknown field is one."""
    next(iter(tapped.store.sources["orders"].fetch(WINDOW)))
    request, response = next(e for e in tapped.exchanged if e[0].path.endswith("/orders"))
    page = orjson.loads(response.body)
    page["results"] = page["results"][:1]
    good = Response(response.status, orjson.dumps(page), response.headers)
    assert tapped.check((request, good)) == []
    _set(page, path, value)
    spoiled = Response(response.status, orjson.dumps(page), response.headers)
    assert tapped.check((request, spoiled)) != []


BODIES = (
    ("version", "1"),
    ("actions.0.action", "addDeliveries"),
    ("actions.0.deliveryId", "d"),
    ("actions.0.items.0.quantity", "2"),
    ("actions.0.items.0.lineItemId", "x"),
    ("actions.0.parcels.0.trackingData.number", "1Z"),
    ("actions.0.parcels.0.parcelKey", "p"),
)
"""Path in an update, and what the official file does not allow there."""


@pytest.mark.parametrize(("path", "value"), BODIES)
def test_no_part_of_an_update_goes_unchecked(tapped: Tapped, path: str, value: Any) -> None:
    """The fields of each kind of action are known."""
    [order_id] = tapped.project.place(an_order("15"))
    order = tapped.project.order(order_id)
    tapped.apply("shipments", NewShipment("p", _parcel(order, 1)))
    [body] = tapped.bodies()
    assert list(deviations(body, "OrderUpdate")) == []
    spoiled = copy.deepcopy(body)
    _set(spoiled, path, value)
    assert list(deviations(spoiled, "OrderUpdate")) != []


def _set(document: Any, path: str, value: Any) -> None:
    *parents, last = [int(name) if name.isdigit() else name for name in path.split(".")]
    for name in parents:
        document = document[name]
    document[last] = value


def _example(name: str) -> Path:
    return shared_path("contracts/commercetools/examples") / name


def test_the_official_orders_are_mapped() -> None:
    """The single one and the page's: without a number they are known by their ids."""
    page = orjson.loads(_example("orders.example.json").read_bytes())["results"]
    single = orjson.loads(_example("order.example.json").read_bytes())
    mapper = OrderMapper(settings(), connection().addresses)
    assert page
    for document in (single, *page):
        payload = orjson.dumps(document)
        result = mapper.to_order(payload, always)
        assert isinstance(result, Mapped)
        order = result.record
        assert (order.source_id, order.number) == (document["id"], document["id"])
        assert order.computed_sums() == (order.total, order.total_tax)
        assert (order.total, order.total_tax) == (Decimal("11.00"), Decimal("1.00"))
        assert [line.sku for line in order.lines] == ["some-sku-123"]
        assert to_store_snapshot(payload).status == "Pending"


def test_the_official_inventory_and_channels_are_read() -> None:
    """Quantities, supply channel, roles."""
    raw = _example("inventory.example.json").read_bytes()
    entry = entry_of(raw)
    assert (entry.sku, entry.quantity_on_stock) == (
        orjson.loads(raw)["sku"],
        orjson.loads(raw)["quantityOnStock"],
    )
    for one in orjson.loads(_example("inventories.example.json").read_bytes())["results"]:
        assert not ENTRIES.decode(orjson.dumps(one)).problems
    channel = CHANNELS.decode(_example("Channel/Channel.json").read_bytes())
    assert not channel.problems
    assert channel.document.roles
