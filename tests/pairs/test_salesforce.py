"""What is particular to Salesforce beside an OMS: changes of children, and the status history."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from orchestration.local.simulated import Pair
from resources.ledger.database.compression import decompress
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.pairs.pair_scene import OpenPair, PairScene

pytestmark = pytest.mark.slow

Json = dict[str, Any]


@pytest.fixture
def shop(short_waits: None, request: pytest.FixtureRequest, open_pair: OpenPair) -> PairScene:
    """Make a connection between an org and an OMS that no other test uses."""
    pair = Pair("salesforce", getattr(request, "param", "manhattan"))
    return open_pair(pair)


def rows(shop: PairScene, name: str) -> list[Json]:
    """Return all records of an object of the org."""
    return shop._ask(f"salesforce/{shop.store}/dump/{name}")


def put(shop: PairScene, name: str, **values: Any) -> None:
    """Change a record of the org past its rules, as the platform itself does."""
    shop._control("POST", f"salesforce/{shop.store}/put/{name}", values)


def test_a_changed_address_reaches_the_oms_though_the_order_is_untouched(shop: PairScene) -> None:
    """It is a record of its own; a rerun sends nothing, and a reconciliation agrees."""
    [(order, _)] = shop.simple(1)
    shop.run("orders")
    stamp = rows(shop, "OrderSummary")[0]["SystemModstamp"]
    saves = shop.oms_counts()["saves"]
    [group] = rows(shop, "OrderDeliveryGroupSummary")
    put(shop, "OrderDeliveryGroupSummary", Id=group["Id"], DeliverToStreet="1 Other Street")
    for _ in range(2):
        shop.run("orders")
        assert shop.oms_counts()["saves"] == saves + 1
    [held] = rows(shop, "OrderSummary")
    assert (held["Id"], held["SystemModstamp"]) == (order, stamp)
    assert drifts_of(look(shop)) == []


@pytest.mark.parametrize("shop", ["manhattan", "extensiv"], indirect=True)
def test_the_way_of_an_order_is_in_its_status_history(shop: PairScene) -> None:
    """Each status once, in its order; the shipment has tracking and its key."""
    [(order, document)] = shop.simple(1)
    shop.run("orders")
    shop.run("shipments")
    shop.to_oms(f"orders/{document['id']}/ship", {"tracking": "1Z999AA10123456784"})
    for _ in range(2):
        shop.run("shipments")
    history = rows(shop, "Lockstep_Status__c")
    assert {each["Order_Summary__c"] for each in history} == {order}
    statuses = [each["Status__c"] for each in history]
    assert statuses[-1] == "Fulfilled"
    assert len(statuses) == len(set(statuses))
    [shipment] = rows(shop, "Shipment")
    assert (shipment["TrackingNumber"], shipment["OrderSummaryId"]) == ("1Z999AA10123456784", order)
    assert rows(shop, "OrderSummary")[0]["Status"] == "Fulfilled"


def test_what_the_oms_has_taken_is_in_the_history_where_a_status_is_chosen_for_it(
    shop: PairScene,
) -> None:
    """The order moves to it then, and is sent no second time in that status."""
    shop.configure(shipments={"milestone_statuses": {"created": "Created"}})
    [(order, document)] = shop.simple(1)
    shop.run("orders")
    for _ in range(2):
        shop.run("shipments")
    shop.run("orders")
    history = rows(shop, "Lockstep_Status__c")
    found = [(each["Order_Summary__c"], each["Status__c"]) for each in history]
    assert found[0] == (order, "Created")
    assert len(found) == len(set(found))
    shop.to_oms(f"orders/{document['id']}/ship", {"tracking": "1Z999AA10123456784"})
    shop.run("shipments")
    assert [each["Status__c"] for each in rows(shop, "Lockstep_Status__c")][-1] == "Fulfilled"
    assert shop.oms_counts()["saves"] == 1
    assert drifts_of(look(shop)) == []


def test_the_history_begins_when_the_oms_has_the_order_which_stays_as_it_is(
    shop: PairScene,
) -> None:
    """Nothing of the order is written: it is not captured again, and sent no second time."""
    [(order, _)] = shop.simple(1)
    shop.run("orders")
    [before] = rows(shop, "OrderSummary")
    for _ in range(3):
        shop.run("shipments")
        shop.run("orders")
    history = rows(shop, "Lockstep_Status__c")
    noted = [(each["Order_Summary__c"], each["Status__c"]) for each in history]
    assert noted == [(order, "Created")]
    assert rows(shop, "OrderSummary") == [before]
    assert shop.oms_counts()["saves"] == 1
    assert drifts_of(look(shop)) == []
    assert shop.open_rejections("shipments") == {}


def test_a_cancellation_in_the_store_is_in_the_history_once_the_oms_has_it(
    shop: PairScene,
) -> None:
    """Though the status is set already; once, also by a rerun."""
    [(order, _)] = shop.simple(1)
    shop.run("orders")
    shop.run("shipments")
    put(shop, "OrderSummary", Id=order, Status="Canceled")
    shop.run("orders")
    for _ in range(2):
        shop.run("shipments")
    assert [each["Status__c"] for each in rows(shop, "Lockstep_Status__c")] == [
        "Created",
        "Canceled",
    ]
    assert drifts_of(look(shop)) == []


@pytest.mark.parametrize(
    "section", [{"shipments": {"milestone_statuses": {"created": None}}},
                {"platform": {"has_history": False}}]
)  # fmt: skip
def test_nothing_is_noted_where_a_connection_does_not_want_it(
    shop: PairScene, section: Json
) -> None:
    """By the milestone, or without a history at all."""
    shop.configure(**section)
    shop.simple(1)
    shop.run("orders")
    shop.run("shipments")
    assert rows(shop, "Lockstep_Status__c") == []


def test_pictures_and_barcodes_reach_the_catalog_and_their_changes_too(shop: PairScene) -> None:
    """A picture that is taken away is one new version; another run makes none."""

    def stored(name: str, **values: Any) -> str:
        path = f"salesforce/{shop.store}/put/{name}"
        return str(shop._control("POST", path, values)["id"])

    def versions(product: str) -> list[Json]:
        query = """SELECT canonical FROM sync.record WHERE stream = 'catalog' AND source_id = %s
                   ORDER BY source_updated_at"""
        return [orjson.loads(decompress(row)) for (row,) in shop.sql(query, product)]

    products = {"barcodes": {"gtin": "GTIN__c"}, "media_channel": "0ap000000000001AAA"}
    shop.configure(platform={"products": products})
    shop.simple(1)
    product = next(row["Id"] for row in rows(shop, "Product2") if row["IsActive"])
    put(shop, "Product2", Id=product, GTIN__c="4006381333931")
    group = stored("ElectronicMediaGroup", UsageType="Standard")
    content = stored("ManagedContent", Name="Mug", Address="https://cdn.example/1.jpg")
    media = stored("ProductMedia", ProductId=product, ElectronicMediaId=content,
                   ElectronicMediaGroupId=group)  # fmt: skip
    shop.run("catalog")
    [first] = versions(product)
    assert first["images"] == ["https://cdn.example/1.jpg"]
    assert first["variants"][0]["barcodes"] == [{"name": "gtin", "value": "4006381333931"}]
    time.sleep(1.1)  # the vendor's times have whole seconds
    put(shop, "ProductMedia", Id=media, IsDeleted=True)
    for _ in range(2):
        shop.run("catalog")
        assert [one.get("images", []) for one in versions(product)] == [first["images"], []]


def test_locked_rows_of_an_org_lose_and_double_nothing(shop: PairScene) -> None:
    """Not even where they stay locked for a whole run."""
    placed = shop.simple(2)
    shop.run("orders")
    accounts = [row["AccountId"] for row in rows(shop, "OrderSummary")]
    locks = {accounts[0]: 2} | {identifier: 7 for identifier, _ in placed[1:]}
    shop._control("POST", f"salesforce/{shop.store}/settings", {"locks": locks})
    for _, document in placed:
        shop.to_oms(f"orders/{document['id']}/ship", {"tracking": f"1Z{document['id']:016d}"})
    for _ in range(3):
        shop.run("shipments", raise_on_error=False)
    assert len(rows(shop, "Shipment")) == 2
    assert {row["Status"] for row in rows(shop, "OrderSummary")} == {"Fulfilled"}
    assert shop.open_rejections("shipments") == {}


@pytest.mark.parametrize("shop", ["manhattan", "extensiv"], indirect=True)
def test_stock_in_an_object_of_the_orgs_own_is_kept_whatever_is_done_to_it(shop: PairScene) -> None:
    """A record that is deleted or changed by hand is a difference, which a repair sends again."""
    name = "Lockstep_Stock__c"
    shop.configure(platform={"inventory": {}})
    shop.simple(3)
    shop.run("orders")
    shop.run("inventory")
    first = {row["SKU__c"]: row["Available__c"] for row in rows(shop, name)}
    assert len(first) > 2
    assert shop.differences()["inventory"] == []
    stamps = sorted(row["SystemModstamp"] for row in rows(shop, name))
    shop.run("inventory")
    assert sorted(row["SystemModstamp"] for row in rows(shop, name)) == stamps, "nothing is sent"
    deleted, changed, *_ = rows(shop, name)
    put(shop, name, Id=deleted["Id"], IsDeleted=True)
    put(shop, name, Id=changed["Id"], Available__c=99_999)
    found = {drift.key[2]: drift.found for drift in look(shop, repair=True).drifts}
    assert sorted(found.values()) == ["99999", "none"]
    shop.run("inventory")
    assert {row["SKU__c"]: row["Available__c"] for row in rows(shop, name)} == first
    assert drifts_of(look(shop)) == []
    assert shop.differences()["inventory"] == []
