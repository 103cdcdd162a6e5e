"""One installation with two stores of one org and a second org: three connections, all streams.

The store in Germany has gross prices in euros, German names of its country and statuses of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from assets.reconciliation.run import Request, reconcile
from domain.connections import INVENTORY, ORDERS, SHIPMENTS, Installation
from orchestration.local.simulated import Pair
from resources.ledger.monitoring.activation import resume
from sandbox.app import RunningSandbox
from tests.assets import documents
from tests.assets.direct_run import run_directly
from tests.assets.prices import price
from tests.assets.reconciliation.comparing import drifts_of
from tests.assets.scene import NAME, partitions_of
from tests.pairs.pair_scene import PairScene
from tests.sandbox.simulated_org import an_order

pytestmark = pytest.mark.slow(seconds=30)

Json = dict[str, Any]
US, DE, OTHER = NAME, "acme_de", "beta"
STORES = {US: "0ZE000000000001AAA", DE: "0ZE000000000002AAA", OTHER: None}
PREFIXES = {US: "US-", DE: "DE-", OTHER: "B-"}
LOCATIONS = {US: "AUSTIN", DE: "BERLIN", OTHER: "WAREHOUSE"}
CURRENCIES = {US: "USD", DE: "EUR", OTHER: "USD"}
STATUSES = {"Approved": "Freigegeben", "Fulfilled": "Versandt"}
"""What the org writes for the orders of Germany."""
GERMAN = {"Street": "Hauptstraße 5", "City": "Berlin", "State": None, "PostalCode": "10115",
          "Country": "Deutschland"}  # fmt: skip
STREAMS = (
    "orders",
    "customers",
    "actions",
    "catalog",
    "inventory",
    "prices",
    "shipments",
    "returns",
)


class Orgs(PairScene):
    """Two orgs, of which the first has two stores, and a tenant of Manhattan for each store."""

    def configure(self, **sections: Any) -> None:
        """Use all connections."""
        super().configure(**sections)
        for name in (DE, OTHER):
            resume(self._db(), name, self.installation.connections[name].streams, "test")
        self.sql_write(
            "UPDATE sync.activation SET changed_at = now() - interval '1 year', started_at = NULL"
        )

    def installation_with(self, **sections: Any) -> Installation:
        """Return the three connections."""
        base = super().installation_with(**sections).model_dump(mode="json", exclude_unset=True)
        common = base["connections"][NAME]
        base["connections"] = {name: self._connection(common, name) for name in STORES}
        return Installation.model_validate(base)

    def _connection(self, common: Json, name: str) -> Json:
        made: Json = orjson.loads(orjson.dumps(common))
        made["streams"] = list(STREAMS)
        made["platform"] |= {
            "my_domain": f"{self.url}/salesforce/{self.org(name)}",
            "client_secret": {"file": self.secret_of(self.org(name))},
            "sales_store_id": STORES[name],
            "inventory_location": LOCATIONS[name],
            "reads_prices": True,
            "regions": [{"countries": ["DE"], "statuses": STATUSES}],
        }
        made["oms"] |= {
            "base_url": f"{self.url}/manhattan/{self.tenant(name)}",
            "token_url": f"{self.url}/manhattan/{self.tenant(name)}/oauth/token",
        }
        made["orders"] |= {
            "order_id_prefix": PREFIXES[name],
            "shipping_methods": {"Ground": "Ground"},
            "payment_methods": {"Visa": "Credit Card"},
        }
        made["inventory"]["store_location"] = LOCATIONS[name]
        made["prices"] = {
            "first_price": "send",
            "max_change": None,
            "currency": CURRENCIES[name],
            "store_list": self.books.get(name, "catalog"),
        }
        made["actions"] = {"permissions": {"Support": ["hold"]}}
        made["returns"] = {"refunds": "none"}
        return made

    books: dict[str, str] = {}

    def org(self, name: str) -> str:
        """Return the name of a connection's org."""
        return f"{self.store}b" if name == OTHER else self.store

    def tenant(self, name: str) -> str:
        """Return the name of a connection's tenant."""
        return f"{self.store}{'' if name == US else name.replace('_', '')}"

    def secret_of(self, org: str) -> str:
        """Return the file with an org's secret."""
        file = self._secrets / f"secret-{org}"
        file.write_text(f"sandbox-secret-{org}")
        return str(file)

    def in_org(self, name: str, path: str, body: Any) -> Json:
        """Make a control call of a connection's org."""
        return self._control("POST", f"salesforce/{self.org(name)}/{path}", body)

    def at_oms(self, name: str, path: str, body: Any) -> Json:
        """Make a control call of a connection's tenant."""
        return self._control("POST", f"manhattan/{self.tenant(name)}/{path}", body)

    def rows(self, name: str, kind: str) -> list[Json]:
        """Return all records of an object in a connection's org."""
        return self._ask(f"salesforce/{self.org(name)}/dump/{kind}")

    def true(self, name: str) -> Json:
        """Return what a connection's org has, neutrally."""
        return self._ask(f"salesforce/{self.org(name)}/truth")[0]

    def tenant_truth(self, name: str) -> Json:
        """Return what a connection's tenant has, neutrally."""
        return self._ask(f"manhattan/{self.tenant(name)}/truth")[0]

    def held(self, name: str) -> list[Json]:
        """Return the orders of a connection's tenant."""
        found: list[Json] = self.tenant_truth(name)["orders"]
        return found

    def run_of(self, name: str, *streams: str) -> None:
        """Run whole chains of one connection over yesterday and today."""
        assert self.lockstep is not None
        days = partitions_of(self.yesterday, self.today)
        assert run_directly(self.lockstep, name, streams, days).success, (name, streams)

    def drifts(self, name: str) -> list[tuple[Any, ...]]:
        """Return what a reconciliation of one connection finds."""
        assert self.lockstep is not None
        sync, found = self.lockstep.sync(name, "reconciliation"), list[tuple[Any, ...]]()
        for day in (self.yesterday, self.today):
            wanted = Request(day, (ORDERS, INVENTORY, SHIPMENTS), repair=False, confirm_seconds=0)
            found += drifts_of(reconcile(sync, wanted))
        return found

    def place_in(self, name: str, number: str) -> str:
        """Place an order in a connection's store; return its id."""
        moment = self.moment().isoformat().replace("+00:00", "Z")
        order = an_order(number, moment, SalesStoreId=STORES[name])
        if name == DE:
            [group], items = order["groups"], order["items"]
            group |= {f"DeliverTo{part}": value for part, value in GERMAN.items()}
            gross = (27.0, 18.0, 5.0)
            for item, total in zip(items, gross, strict=True):
                item["TotalAmtWithTax"] = total
            items[0]["adjustments"] = [{"Name": "SPRING", "Amount": -2.8, "TotalAmtWithTax": -3.0}]
            order |= {f"Billing{part}": value for part, value in GERMAN.items()}
            order |= {"TaxLocaleType": "Gross", "GrandTotalAmount": 50.0, "Status": "Freigegeben",
                      "CurrencyIsoCode": "EUR"}  # fmt: skip
        return str(self.in_org(name, "orders", [order])["ids"][0])


@pytest.fixture
def shop(
    sandbox: RunningSandbox, database: str, tmp_path: Path, short_waits: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Orgs]:  # fmt: skip
    """Make two orgs that no other test uses, with a product, stock and a price for each store."""
    monkeypatch.setenv("LOCKSTEP_HOME", str(tmp_path))
    made = Orgs(
        sandbox.url, database, f"s{uuid4().hex[:10]}", tmp_path, Pair("salesforce", "manhattan")
    )
    book = made.in_org(DE, "put/Pricebook2", {"Name": "Germany", "IsActive": True})["id"]
    made.books = {DE: str(book)}
    for number, name in enumerate(STORES):
        if name != DE:
            made.in_org(name, "catalog", [{"sku": sku} for sku in ("MUG", "SHIRT-S")])
        made.in_org(name, "locations", [{"ExternalReference": LOCATIONS[name]}])
        made.at_oms(name, "locations", [{"LocationId": documents.DEPOT, "LocationTypeId": "DC"}])
        made.at_oms(name, "items", documents.ITEMS)
        made.at_oms(name, "supply", documents.supply(10 * (number + 1)))
        amount = 10 + number
        own = price("MUG", amount, amount, CurrencyCode=CURRENCIES[name])
        made.at_oms(name, "prices", [own])
    [standard] = [one["Id"] for one in made.rows(DE, "Pricebook2") if one["IsStandard"]]
    mug = next(one["Id"] for one in made.rows(DE, "Product2") if one["StockKeepingUnit"] == "MUG")
    entry = {"Pricebook2Id": standard, "Product2Id": mug, "CurrencyIsoCode": "EUR"}
    made.in_org(DE, "put/PricebookEntry", entry | {"UnitPrice": 1.0, "IsActive": True})
    for name, email in ((US, "a@acme.example"), (OTHER, "b@beta.example")):
        row = {
            "FirstName": "Ann",
            "LastName": "Ames",
            "Email": email,
            "at": made.moment().isoformat(),
        }
        made.in_org(name, "customers", [row])
    made.configure()
    yield made
    made.close()


def test_each_store_of_each_org_has_its_own_orders_in_every_stream(shop: Orgs) -> None:
    """Whichever connection runs first, and however often: nothing goes to another one's systems."""
    placed = {name: shop.place_in(name, f"{1001 + n}") for n, name in enumerate(STORES)}
    for _ in range(2):
        for name in (DE, OTHER, US):
            shop.run_of(name, "orders", "customers", "catalog", "inventory", "prices")
    assert {name: [row["id"] for row in shop.held(name)] for name in STORES} == {
        US: ["US-1001"], DE: ["DE-1002"], OTHER: ["B-1003"],
    }  # fmt: skip
    addresses_and_taxes(shop)
    levels(shop)
    prices(shop)
    products_and_customers(shop)
    for number, name in enumerate(STORES):
        shop.at_oms(name, f"orders/{PREFIXES[name]}{1001 + number}/ship",
                    {"tracking": f"1Z999AA1012345678{number}"})  # fmt: skip
    for _ in range(2):
        for name in (OTHER, US, DE):
            shop.run_of(name, "shipments", "inventory")
    shipped(shop, placed)
    assert {name: shop.drifts(name) for name in STORES} == {US: [], DE: [], OTHER: []}


def test_a_request_and_a_return_are_those_of_the_orders_own_store(shop: Orgs) -> None:
    """The other connection to the org leaves them alone."""
    placed = {name: shop.place_in(name, f"{1001 + n}") for n, name in enumerate(STORES)}
    for name in STORES:
        shop.run_of(name, "orders")
    request = {"Order_Summary__c": placed[DE], "Kind__c": "hold", "profile": "Support"}
    shop.in_org(DE, "requests", [request])
    states = []
    for name in (US, DE, US):
        shop.run_of(name, "actions")
        states += [row["Status__c"] for row in shop.rows(DE, "Lockstep_Action__c")]
    assert states == ["New", "Done", "Done"]
    for name in (US, OTHER):
        number = PREFIXES[name] + ("1001" if name == US else "1003")
        shop.at_oms(name, f"orders/{number}/ship", {"tracking": "1Z999AA10123456784"})
        line = shop.held(name)[0]["lines"][0]["line"]
        shop.at_oms(name, f"orders/{number}/returns", {"lines": [{"line": line, "quantity": 1}]})
    for name in (DE, US, OTHER, DE):
        shop.run_of(name, "shipments", "returns")
    for name in (US, OTHER):
        assert [row["OrderSummaryId"] for row in shop.rows(name, "ReturnOrder")] == [placed[name]]


def addresses_and_taxes(shop: Orgs) -> None:
    """Check what the tenants have of the orders: of Germany as of the United States."""
    orders = {
        name: shop._ask(f"manhattan/{shop.tenant(name)}/effects/order/{shop.held(name)[0]['id']}")[
            0
        ]["order"]
        for name in (US, DE)
    }
    german, american = orders[DE], orders[US]
    assert (german["CurrencyCode"], american["CurrencyCode"]) == ("EUR", "USD")
    assert Decimal(str(german["OrderTotal"])) == Decimal("50.00")
    for order, included in ((german, True), (american, False)):
        assert {line["IsTaxIncluded"] for line in order["OrderLine"]} == {included}
    [place] = {orjson.dumps(one["ShipToAddress"]["Address"]) for one in german["OrderLine"]}
    address = orjson.loads(place)
    assert (address["Country"], address["PostalCode"], address["City"]) == ("DE", "10115", "Berlin")


def levels(shop: Orgs) -> None:
    """Check that each location has the stock of its own tenant, and each list its prices."""
    found = {
        name: {row["sku"]: row["available"] for row in shop.true(name)["levels"]
               if row["location"] == LOCATIONS[name]}
        for name in STORES
    }  # fmt: skip
    assert {name: one["MUG"] for name, one in found.items()} == {US: 7, DE: 17, OTHER: 27}


def prices(shop: Orgs) -> None:
    """Check that each store has its own list, in its currency."""
    shown = {
        name: {(row["price_list"], row["currency"], row["regular"])
               for row in shop.true(name)["prices"] if row["sku"] == "MUG"}
        for name in (US, OTHER)
    }  # fmt: skip
    assert shown == {
        US: {("", "USD", "10"), ("", "EUR", "1"), (shop.books[DE], "EUR", "11")},
        OTHER: {("", "USD", "12")},
    }


def products_and_customers(shop: Orgs) -> None:
    """Check that both stores of an org have all of its products and customers, and no others."""
    query = """SELECT connection, count(DISTINCT source_id) FROM sync.record
               WHERE stream = %s AND state = 'accepted' GROUP BY 1"""
    sold = {name: len(shop.rows(name, "Product2")) for name in STORES}
    assert dict(shop.sql(query, "catalog")) == sold
    assert sold[US] == sold[DE] > sold[OTHER]
    emails = {
        name: [one["email"] for one in shop.tenant_truth(name)["customers"]] for name in STORES
    }
    assert emails == {US: ["a@acme.example"], DE: ["a@acme.example"], OTHER: ["b@beta.example"]}


def shipped(shop: Orgs, placed: dict[str, str]) -> None:
    """Check that each order is shipped once, in the words of its region."""
    wanted = {US: "Fulfilled", DE: "Versandt", OTHER: "Fulfilled"}
    for name, order in placed.items():
        [row] = [one for one in shop.rows(name, "OrderSummary") if one["Id"] == order]
        assert row["Status"] == wanted[name]
        mine = [one for one in shop.rows(name, "Shipment") if one["OrderSummaryId"] == order]
        assert len(mine) == 1
        noted = [
            one["Status__c"]
            for one in shop.rows(name, "Lockstep_Status__c")
            if one["Order_Summary__c"] == order
        ]
        assert noted[-1] == "Fulfilled"
        assert len(noted) == len(set(noted))
