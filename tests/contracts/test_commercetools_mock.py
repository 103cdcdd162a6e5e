"""The connector against a simulation of commercetools that is not ours.

Read and written is what the simulation supports. It has no messages, takes no change of a parcel's
tracking, reserves nothing and refuses no second entry of a SKU, so those are compared with the
sandbox and the official files only (the connector's README lists who tested what).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

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
from domain.milestones import Milestone
from domain.prices import PriceChange, PricePlace, PriceTag
from domain.records.customers import Customer
from domain.records.inventory import StockTarget, StoreItem
from domain.records.listings import Listing, NewVariant
from domain.records.orders import Order
from domain.targets import NO_LEVEL
from domain.values import Window
from resources.http.rate_limit import LocalQuota
from resources.platforms.commercetools.adapter import build
from resources.platforms.commercetools.settings import EXPAND
from tests.contracts.commercetools_mock import ADDRESS, MockProject, import_line, running_mock
from tests.resources.platforms.bigcommerce.stores import read_items
from tests.resources.platforms.commercetools.projects import connection, settings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("commercetools-mock")]

Json = dict[str, Any]
Open = Callable[..., Any]
UPS, OTHER = "1Z5R89390357567127", "1Z8W4R260373687877"
STREAMS = ("orders", "customers", "inventory", "shipments")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """One process for the module: each test has a project of its own in it."""
    with running_mock() as found:
        yield found


@pytest.fixture
def project(url: str) -> Iterator[MockProject]:
    """A project with two products."""
    made = MockProject(url)
    made.product("MUG", "MUG-L")
    made.product("LAMP")
    yield made
    made.close()


@pytest.fixture
def open_store(project: MockProject) -> Iterator[Open]:
    """Build connectors to the project."""
    opened: list[Any] = []

    def make(**changes: Any) -> Any:
        chosen = settings(
            project_key=project.name,
            region=None,
            api_url=project.url,
            auth_url=project.url,
            requests_per_second=100_000,
            customer_deletions=False,
            **changes,
        )
        built = build(chosen, connection(streams=STREAMS), lambda _: "any", LocalQuota())
        opened.append(built)
        return built

    yield make
    for one in opened:
        one.close()


def records(store: Any, stream: str, since: datetime, until: datetime | None = None) -> list[Any]:
    """Read what changed in a window, ending now if it has no end."""
    window = Window(since, until or datetime.now(UTC) + timedelta(seconds=5))
    return [r for page in store.sources[stream].fetch(window) for r in page.records]


def apply(store: Any, stream: str, content: Any, key: UUID | None = None) -> Outcome:
    """Write one intent to a stream's target."""

    async def run() -> list[Outcome]:
        async with store.targets[stream].writer(lambda _: None) as writer:
            claimed = [Claimed(Intent("any", key or uuid4(), "key", content), "ord-1")]
            found: list[Outcome] = await writer.apply(claimed)
            return found

    [outcome] = asyncio.run(run())
    return outcome


def parcel(order: Json, units: int, tracking: str, line: int = 0) -> NewShipment:
    """Return a parcel of some units of one line."""
    lines = (ShipmentLine(order["lineItems"][line]["id"], units),)
    return NewShipment("p", ShipmentRequest(order["id"], "shipping", lines, tracking, "ups"))


def level(sku: str, quantity: int, location: str = "default") -> LevelChange:
    """Return a level to write."""
    target = StockTarget(sku=sku, location=location, quantity=quantity)
    return LevelChange(target, StoreItem(sku=sku, parent_id="p", item_id="1", tracking="variant"))


@pytest.mark.parametrize("page_size", [1, 2, 3, 500])
def test_every_order_is_read_once(project: MockProject, open_store: Open, page_size: int) -> None:
    """By keyset paging, whatever the page's end falls on; a window is cut at its bounds."""
    start = datetime.now(UTC)
    placed = [project.order(str(1000 + n)) for n in range(7)]
    store = open_store(page_size=page_size)
    found = records(store, "orders", start - timedelta(seconds=5))
    assert [r.source_id for r in found] == [
        order["id"] for order in sorted(placed, key=lambda o: (o["lastModifiedAt"], o["id"]))
    ]
    cut = datetime.fromisoformat(placed[3]["lastModifiedAt"])
    later = {o["id"] for o in placed if datetime.fromisoformat(o["lastModifiedAt"]) >= cut}
    assert {r.source_id for r in records(store, "orders", cut)} == later
    assert {r.source_id for r in records(store, "orders", start, cut)} == {
        order["id"] for order in placed if order["id"] not in later
    }


def test_an_order_is_mapped_with_its_expanded_payment(
    project: MockProject, open_store: Open
) -> None:
    """Its parts add up to its total, and nothing of it can't be read."""
    placed = project.order("1001")
    store = open_store()
    since = datetime.now(UTC) - timedelta(minutes=1)
    [record] = records(store, "orders", since)
    result = store.sources["orders"].to_canonical(record.payload)
    assert isinstance(result, Mapped)
    order: Order = result.record
    assert (order.source_id, order.number) == (placed["id"], "1001")
    assert order.computed_sums() == (order.total, order.total_tax)
    assert [(line.sku, line.quantity) for line in order.lines] == [("MUG", 3), ("LAMP", 1)]
    assert [payment.source_method for payment in order.payments] == ["CREDIT_CARD"]
    assert not {w.code for w in result.warnings} - {"unpaid"}
    probed = store.sources["orders"].probe(since)
    assert probed == datetime.fromisoformat(placed["lastModifiedAt"])
    [again] = [r for p in store.sources["orders"].read([placed["id"]]) for r in p.records]
    assert again.payload == record.payload


def test_units_in_a_state_that_cancels_them_are_taken_off(
    project: MockProject, open_store: Open
) -> None:
    """The simulation expands states of items, and keeps those of imported orders."""
    drafts = [{"key": key, "type": "LineItemState", "initial": True} for key in ("open", "dropped")]
    fresh, dropped = ({"typeId": "state", "id": project.make("states", d)["id"]} for d in drafts)
    lines = [import_line("MUG", 3, 1000), import_line("LAMP", 1, 1500)]
    lines[0]["state"] = [{"quantity": 1, "state": fresh}, {"quantity": 2, "state": dropped}]
    project.order("1001", lineItems=lines)
    store = open_store(workflow_states={"canceled": ["dropped"]})
    since = datetime.now(UTC) - timedelta(minutes=1)
    [record] = records(store, "orders", since)
    result = store.sources["orders"].to_canonical(record.payload)
    assert isinstance(result, Mapped)
    assert [(line.sku, line.quantity) for line in result.record.lines] == [("MUG", 1), ("LAMP", 1)]
    assert result.record.computed_sums() == (result.record.total, result.record.total_tax)
    checks = {check.name: check for check in store.preflight()}
    assert checks["workflow states"].ok
    other = open_store(workflow_states={"canceled": ["gone"]})
    assert not {check.name: check for check in other.preflight()}["workflow states"].ok


def test_an_order_is_found_by_a_later_change_of_its_payment(
    project: MockProject, open_store: Open
) -> None:
    """By a predicate on the payments that it refers to; the order itself stays as it was."""
    order, _ = project.order("1001"), project.order("1002")
    time.sleep(0.002)  # the simulation's times have milliseconds
    since = datetime.now(UTC)
    payment = project.get(f"payments/{order['paymentInfo']['payments'][0]['id']}")
    charge = {
        "type": "Charge",
        "state": "Success",
        "amount": {"currencyCode": "USD", "centAmount": 100},
    }
    changed = project.update(
        "payments", payment, {"action": "addTransaction", "transaction": charge}
    )
    assert changed.is_success
    assert records(open_store(), "orders", since) == []
    [record] = records(open_store(payment_changes=True), "orders", since)
    assert (record.source_id, record.updated_at) == (order["id"], since)
    assert b'"Charge"' in record.payload


def test_customers_are_read_and_mapped(project: MockProject, open_store: Open) -> None:
    """With the address that they have stored."""
    for number in range(3):
        draft = {
            "email": f"jane{number}@example.com",
            "firstName": "Jane",
            "lastName": "Doe",
            "password": "secret",
            "addresses": [ADDRESS],
            "customerNumber": str(number),
        }
        project.make("customers", draft)
    store = open_store(page_size=2)
    found = records(store, "customers", datetime.now(UTC) - timedelta(minutes=1))
    mapped = [store.sources["customers"].to_canonical(r.payload) for r in found]
    customers = [one.record for one in mapped if isinstance(one, Mapped)]
    assert {c.email for c in customers if isinstance(c, Customer)} == {
        f"jane{number}@example.com" for number in range(3)
    }
    assert [len(c.addresses) for c in customers] == [1, 1, 1]


def test_the_catalog_and_the_locations_are_read(project: MockProject, open_store: Open) -> None:
    """Every SKU of a published product; a channel that supplies no stock is not a location."""
    east = project.make("channels", {"key": "EAST", "roles": ["InventorySupply"]})
    project.make("channels", {"key": "WEB", "roles": ["ProductDistribution"]})
    store = open_store()
    now = datetime.now(UTC)
    mapped = [
        store.sources["catalog"].to_canonical(r.payload)
        for page in store.sources["catalog"].fetch(Window(now, now + timedelta(days=1)))
        for r in page.records
    ]
    items = {item.sku for one in mapped if isinstance(one, Mapped) for item in one.record.items}
    assert items == {"MUG", "MUG-L", "LAMP"}
    assert store.targets["inventory"].locations() == {"default": "default", "EAST": east["id"]}


def test_stock_is_created_changed_and_read_back(project: MockProject, open_store: Open) -> None:
    """By SKU and supply channel; an equal level is not written."""
    channel = project.make("channels", {"key": "EAST", "roles": ["InventorySupply"]})["id"]
    store = open_store()
    for quantity in (7, 12, 0, 12):
        assert apply(store, "inventory", level("MUG", quantity)).state == "done"
        assert apply(store, "inventory", level("MUG", quantity + 1, channel)).state == "done"
        held = store.targets["inventory"].levels(["MUG", "LAMP"])
        shown = {("MUG", "default"): quantity, ("MUG", channel): quantity + 1}
        none = dict.fromkeys([("LAMP", "default"), ("LAMP", channel)], NO_LEVEL)
        assert held == shown | none
    entries = project.get("inventory", where='sku = "MUG"')["results"]
    assert sorted(entry["version"] for entry in entries) == [4, 4]
    apply(store, "inventory", level("MUG", 12))
    assert [e["version"] for e in project.get("inventory")["results"]] == [4, 4]


def test_a_level_that_others_change_meanwhile_is_read_and_planned_again(
    project: MockProject, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor's answer 409 with ``ConcurrentModification``."""
    entry = project.make("inventory", {"sku": "MUG", "quantityOnStock": 5})
    store = open_store()

    async def run() -> tuple[Outcome, int]:
        async with store.targets["inventory"].writer(lambda _: None) as writer:
            reads, read = list[int](), writer._read

            async def interrupted(skus: Any) -> Any:
                found = await read(skus)
                if not reads:
                    change = {"action": "changeQuantity", "quantity": 3}
                    assert project.update("inventory", entry, change).is_success
                reads.append(1)
                return found

            monkeypatch.setattr(writer, "_read", interrupted)
            claimed = [Claimed(Intent("stock", uuid4(), "key", level("MUG", 9)), "c")]
            [outcome] = await writer.apply(claimed)
            return outcome, len(reads)

    outcome, reads = asyncio.run(run())
    assert (outcome.state, reads) == ("done", 2)
    assert project.get(f"inventory/{entry['id']}")["quantityOnStock"] == 9


def test_parcels_become_deliveries_and_are_found_again_by_their_keys(
    project: MockProject, open_store: Open
) -> None:
    """Whole, split and partial; a key that the order has is not added again."""
    order = project.order("1001")
    store, key = open_store(carriers={"ups": "UPS"}), uuid4()
    first = apply(store, "shipments", parcel(order, 2, UPS), key)
    again = apply(store, "shipments", parcel(order, 2, UPS), key)
    second = apply(store, "shipments", parcel(order, 1, OTHER))
    third = apply(store, "shipments", parcel(order, 1, OTHER, line=1))
    assert (first.state, again.target_id) == ("done", first.target_id)
    deliveries = project.get(f"orders/{order['id']}")["shippingInfo"]["deliveries"]
    assert [d["id"] for d in deliveries] == [first.target_id, second.target_id, third.target_id]
    assert [d["items"][0]["quantity"] for d in deliveries] == [2, 1, 1]
    assert [d["parcels"][0]["trackingData"]["trackingId"] for d in deliveries] == [
        UPS,
        OTHER,
        OTHER,
    ]
    more = apply(store, "shipments", parcel(order, 1, OTHER))
    assert (more.state, more.problems[0].code) == ("refused", "shipment_refused")

    async def found() -> list[str]:
        async with store.targets["shipments"].writer(lambda _: None) as writer:
            claimed = [Claimed(Intent("shipment", key, "k", parcel(order, 2, UPS)), "c")]
            return [receipt.target_id for receipt in await writer.find(claimed, ())]

    assert asyncio.run(found()) == [first.target_id]


def test_parcels_and_state_of_an_order_are_one_update(
    project: MockProject, open_store: Open
) -> None:
    """Each has an outcome of its own; together they are refused as a whole."""
    order, store = project.order("1001"), open_store()

    def send(*contents: Any) -> list[Outcome]:
        async def run() -> list[Outcome]:
            async with store.targets["shipments"].writer(lambda _: None) as writer:
                claimed = [Claimed(Intent("any", uuid4(), order["id"], c), "c") for c in contents]
                found: list[Outcome] = await writer.apply(claimed)
                return found

        return asyncio.run(run())

    state = StatusChange(order["id"], "Partial")
    outcomes = send(parcel(order, 1, UPS), parcel(order, 1, OTHER), state)
    assert [outcome.state for outcome in outcomes] == ["done"] * 3
    held = project.get(f"orders/{order['id']}")
    made = [delivery["id"] for delivery in held["shippingInfo"]["deliveries"]]
    assert [outcome.target_id for outcome in outcomes] == [*made, order["id"]]
    assert held["shipmentState"] == "Partial"
    change = ShipmentChange("p", made[0], parcel(order, 1, OTHER).request)
    refused = send(parcel(order, 1, "1Z"), change)
    assert [outcome.state for outcome in refused] == ["refused", "refused"]
    assert project.get(f"orders/{order['id']}")["version"] == held["version"]


def test_states_are_set_and_read_back(project: MockProject, open_store: Open) -> None:
    """The shipment's, the order's at its end, and a cancellation's of both."""
    done, canceled = project.order("1001"), project.order("1002")
    store = open_store(complete_at="delivered")
    target = store.targets["shipments"]
    for milestone in (Milestone.RELEASED, Milestone.SHIPPED, Milestone.DELIVERED):
        status = target.status_for(milestone)
        assert apply(store, "shipments", StatusChange(done["id"], status)).state == "done"
        assert project.get(f"orders/{done['id']}")["shipmentState"] == status
    apply(store, "shipments", StatusChange(canceled["id"], "Cancelled"))
    states = [
        (held["orderState"], held["shipmentState"])
        for held in (project.get(f"orders/{o['id']}") for o in (done, canceled))
    ]
    assert states == [("Complete", "Delivered"), ("Cancelled", "Canceled")]
    version = project.get(f"orders/{done['id']}")["version"]
    apply(store, "shipments", StatusChange(done["id"], "Delivered"))
    assert project.get(f"orders/{done['id']}")["version"] == version


def test_what_is_refused_has_the_vendors_reason(project: MockProject, open_store: Open) -> None:
    """An action that the simulation does not know, and an order that the project does not have."""
    order, store = project.order("1001"), open_store()
    made = apply(store, "shipments", parcel(order, 1, UPS))
    change = ShipmentChange("p", made.target_id, parcel(order, 1, OTHER).request)
    refused = apply(store, "shipments", change)
    assert (refused.state, refused.problems[0].code) == ("refused", "shipment_update_refused")
    assert "400" in refused.problems[0].message
    missing = apply(store, "shipments", StatusChange(str(uuid4()), "Shipped"))
    assert missing.problems[0].code == "order_missing_in_store"


def test_tracking_is_added_to_a_delivery_without_a_parcel(
    project: MockProject, open_store: Open
) -> None:
    """As a merchant makes them by hand."""
    order, store = project.order("1001"), open_store()
    items = [{"id": order["lineItems"][0]["id"], "quantity": 1}]
    changed = project.update("orders", order, {"action": "addDelivery", "items": items}).json()
    [delivery] = changed["shippingInfo"]["deliveries"]
    change = ShipmentChange("p", delivery["id"], parcel(order, 1, UPS).request)
    assert apply(store, "shipments", change).state == "done"
    [held] = project.get(f"orders/{order['id']}")["shippingInfo"]["deliveries"]
    assert held["parcels"][0]["trackingData"]["trackingId"] == UPS


def test_a_token_that_is_not_valid_any_more_is_renewed(
    project: MockProject, open_store: Open
) -> None:
    """The project answers 401 with the OAuth error of the vendor."""
    project.order("1001")
    store = open_store()
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert len(records(store, "orders", since)) == 1
    store._tokens._token = {"Authorization": "Bearer stale"}, math.inf
    assert len(records(store, "orders", since)) == 1


def test_the_preflight_passes(project: MockProject, open_store: Open) -> None:
    """Each check is a call to the simulation; without a stock channel nothing is missing."""
    checks = open_store().preflight()
    assert [(c.name, c.detail) for c in checks if not c.ok] == []
    assert len(checks) > 5


def test_a_captured_order_is_exactly_what_was_served(
    project: MockProject, open_store: Open
) -> None:
    """Byte for byte: no field of the project's own form is lost on the way to the ledger."""
    project.order("1001")
    since = datetime.now(UTC) - timedelta(minutes=1)
    [record] = records(open_store(), "orders", since)
    expand = list(EXPAND)
    [served] = project.get("orders", expand=expand)["results"]
    assert orjson.loads(record.payload) == served


def test_prices_are_made_once_and_changed_under_their_version(
    project: MockProject, open_store: Open
) -> None:
    """With a sale price and without, in each scope; one that has changed since waits."""
    project.make("channels", {"key": "EAST", "roles": ["ProductDistribution"]})
    store = open_store(sale_discount="5e7d0a3c-0000-4000-8000-000000000001")
    items = {item.sku: item for page in read_items(store) for item in page}
    target = store.targets["prices"]
    for name in ("catalog", "country=DE", "channel=EAST"):
        place = PricePlace(items["MUG-L"], name, "USD")
        shown = target.prices([place])[place.key]
        assert (shown.tag, shown.problem) == (None, None)
        for regular, sale in (("10.25", "9"), ("11", "9.50"), ("11", None)):
            late = shown
            wanted = PriceTag(Decimal(regular), None if sale is None else Decimal(sale))
            shown = target.prices([place])[place.key]
            assert apply(store, "prices", PriceChange(place, wanted, shown)).state == "done"
            assert target.prices([place])[place.key].tag == wanted
        other = PriceChange(place, PriceTag(Decimal(12)), late)
        assert apply(store, "prices", other).state == "retry"
        assert target.prices([place])[place.key].tag == wanted
    assert len(project.get("standalone-prices")["results"]) == 3


def test_a_product_is_listed_under_its_version(project: MockProject, open_store: Open) -> None:
    """Texts of one language, the warranty and pictures; the same again is not a change."""
    store = open_store(locales=("en",))
    items = {item.sku: item for page in read_items(store) for item in page}
    product_id = items["MUG-L"].parent_id
    one, two = (f"https://img.example.com/{n}.jpg" for n in (1, 2))
    wanted = ListingSave(product_id, {"name": "Cup", "warranty": "2 years"}, (one, two), ("MUG",))
    assert apply(store, "listings", wanted).state == "done"
    turned = ListingSave(product_id, {"description": "<p>A cup</p>"}, (two, one))
    assert apply(store, "listings", turned).state == "done"
    product = project.get(f"products/{product_id}")
    data = product["masterData"]["current"]
    assert (data["name"], data["description"]) == ({"en": "Cup"}, {"en": "<p>A cup</p>"})
    assert [image["url"] for image in data["masterVariant"]["images"]] == [two, one]
    attributes = [variant["attributes"] for variant in (data["masterVariant"], *data["variants"])]
    assert attributes == [[{"name": "warranty", "value": "2 years"}]] * 2
    assert product["masterData"]["hasStagedChanges"] is False
    assert apply(store, "listings", turned).state == "done"
    assert project.get(f"products/{product_id}")["version"] == product["version"]
    draft = {"action": "changeName", "name": {"en": "Beaker"}}
    assert project.update("products", product, draft).is_success
    refused = apply(store, "listings", ListingSave(product_id, {"name": "Mug"}))
    assert [problem.code for problem in refused.problems] == ["listing_draft_pending"]


def test_a_new_product_is_created_once(project: MockProject, open_store: Open) -> None:
    """With its variants and pictures; another look finds it by each of its SKUs."""
    store = open_store(locales=("en",), product_type="plain")
    sizes = tuple(NewVariant(sku=f"TEE-{size}") for size in "SL")
    listing = Listing(
        product_id=new_id("TEE-S"),
        sku="TEE-S",
        name="Tee",
        warranty="1 year",
        variants=sizes,
        price=Decimal("5.5"),
        images=("https://img.example.com/1.jpg",),
    )
    made = apply(store, "products", NewListing(listing, "USD", is_visible=True, counts_stock=True))
    assert made.state == "done"

    async def look(name: str) -> Any:
        async with store.targets["products"].writer(lambda _: None) as writer:
            return (await writer.held({name: ()}))[name]

    for sku in ("TEE-S", "TEE-L"):
        held = asyncio.run(look(new_id(sku)))
        assert (held.target_id, held.content["name"]) == (made.target_id, "Tee")
        assert held.content["warranty"] == "1 year"
    assert asyncio.run(look(new_id("NONE"))).content is None
    data = project.get(f"products/{made.target_id}")["masterData"]
    assert data["published"] is True
    [price] = data["current"]["masterVariant"]["prices"]
    assert (price["value"]["centAmount"], price["value"]["currencyCode"]) == (550, "USD")
