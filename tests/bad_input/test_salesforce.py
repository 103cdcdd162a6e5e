"""Bad orders and customers of a Salesforce org: mapped to the cent, or refused with advice."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import LockstepError
from domain.exchange import Mapped
from domain.records.orders import Order
from domain.rules.export import always
from resources.platforms.salesforce.customers.mapping import CustomerMapper
from resources.platforms.salesforce.orders.delivered import ordered_units, to_store_snapshot
from resources.platforms.salesforce.orders.mapping import OrderMapper
from resources.platforms.salesforce.reader import header_of
from resources.platforms.salesforce.stock_object import ObjectReader
from tests.bad_input.counts import (
    SALESFORCE_CUSTOMERS,
    SALESFORCE_ORDERS,
    SALESFORCE_SNAPSHOTS,
    SALESFORCE_STOCK,
)
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import assert_is_bounded, run
from tests.bad_input.targets import Reading
from tests.resources.platforms.salesforce.orgs import account, connection, order, settings
from tests.sandbox.simulated_org import an_order

pytestmark = pytest.mark.slow(seconds=25)

Json = dict[str, Any]
PERSONAL = ("jane.doe", "Jane", "Doe", "Main Street", "5125550100", "Bobby")
MAPPER = OrderMapper(settings(), connection().addresses)
SHIPMENTS: Json = {
    "totalSize": 1,
    "done": True,
    "records": [
        {
            "Id": "0OBLk0000000001AAC",
            "Lockstep_Key__c": "lockstep-1",
            "Status": "Shipped",
            "TrackingNumber": "1Z",
            "SystemModstamp": "2026-03-04T10:00:00.000+0000",
            "ShipmentItems": {
                "totalSize": 1,
                "done": True,
                "records": [{"Lockstep_Line__c": "10uLk0000000001AAA", "Quantity": 1.0}],
            },
        }
    ],
}


def documents() -> list[bytes]:
    """Return orders with everything that the mapping reads."""
    gross = {"TaxLocaleType": "Gross", "GrandTotalAmount": 50.0}
    [group] = an_order("1")["groups"]
    items = an_order("1")["items"]
    items[0] = items[0] | {
        "TotalAmtWithTax": 27.0,
        "adjustments": [{"Name": "SPRING", "Amount": -2.8, "TotalAmtWithTax": -3.0}],
    }
    items[1], items[2] = items[1] | {"TotalAmtWithTax": 18.0}, items[2] | {"TotalAmtWithTax": 5.0}
    whole = (
        order(),
        order(Description="Call Bobby", Status="Canceled"),
        order(**gross, items=items),
        order(groups=[group | {"method": "Collect", "Lockstep_Pickup_Location__c": "EAST"}]),
        order(groups=[group | {"method": "Email"}]),
        order() | {"Shipments": SHIPMENTS},
    )
    return [orjson.dumps(each) for each in whole]


def to_order(payload: bytes) -> Any:
    """Map an order in whatever status."""
    return MAPPER.to_order(payload, always)


def unconserved(found: Order, payload: bytes) -> str:
    """Return how a mapped order's money differs from its document's, or does not add up."""
    if found.computed_sums() != (found.total, found.total_tax):
        return f"the order comes to {found.computed_sums()} and says {found.total}"
    try:
        document = json.loads(payload.decode(errors="replace"), parse_float=Decimal)
    except RecursionError:  # something that is not read is nested too deep for this check
        return ""
    if found.total != Decimal(str(document["GrandTotalAmount"]).strip()):
        return f"the document says {document['GrandTotalAmount']}, the order {found.total}"
    if sum(payment.amount for payment in found.payments) != max(Decimal(0), found.total):
        return "the payments are not the total"
    return ""


def test_every_spoilt_order_is_mapped_skipped_or_rejected() -> None:
    """No crash, no empty message, no personal value shown; what maps conserves the money."""

    def to_conserved(payload: bytes) -> Any:
        found = to_order(payload)
        if isinstance(found, Mapped) and (fault := unconserved(found.record, payload)):
            raise AssertionError(fault)
        return found

    payloads = Mutator(documents()).payloads(SALESFORCE_ORDERS, 20_000_000)
    outcomes = run(to_conserved, payloads, PERSONAL)
    assert outcomes.total() == SALESFORCE_ORDERS
    assert outcomes["mapped"] > SALESFORCE_ORDERS // 10
    assert len(outcomes) > 15, "and reach the rules"


def test_units_state_and_header_are_read_from_any_order() -> None:
    """Those of an order that can't be mapped count, too: its units are sold."""
    names = settings().names
    for payload in Mutator(documents()).payloads(SALESFORCE_SNAPSHOTS, 21_000_000):
        assert all(units > 0 for units in ordered_units(payload.body).values()), payload
        assert to_store_snapshot(payload.body, names).shipped_units >= 0, payload
        identifier, _ = header_of(payload.body)  # type: ignore[arg-type]
        assert identifier is None or len(identifier) == 18, payload


def test_every_spoilt_account_is_mapped_skipped_or_rejected() -> None:
    """No crash, no empty message, no personal value shown."""
    mapper = CustomerMapper(settings(), connection().addresses)
    documents = [account(), account() | {"IsDeleted": True}, account() | {"Contacts": None}]
    payloads = Mutator([orjson.dumps(each) for each in documents]).payloads(
        SALESFORCE_CUSTOMERS, 22_000_000
    )
    outcomes = run(mapper.to_customer, payloads, PERSONAL)
    assert outcomes.total() == SALESFORCE_CUSTOMERS
    assert outcomes["mapped"] > SALESFORCE_CUSTOMERS // 10
    assert outcomes["skipped"] > 0


def test_every_spoilt_record_of_stock_is_a_level_or_an_error() -> None:
    """Never a number that the org does not have: one that is missing or a fraction is none."""
    chosen = settings(inventory={}, inventory_location="WAREHOUSE")
    stock: Any = chosen.inventory
    http = Reading()
    reader = ObjectReader(http, chosen, stock, connection())  # type: ignore[arg-type]
    record = {
        "attributes": {"type": stock.object}, "Id": "a03Lk0000000001AAA", "SKU__c": "MUG",
        "Location__c": "WAREHOUSE", "Available__c": 12.0, "Lockstep_Key__c": "WAREHOUSE/MUG",
    }  # fmt: skip
    page = {"totalSize": 1, "done": True, "records": [record]}
    outcomes: Counter[str] = Counter()
    for payload in Mutator([orjson.dumps(page)]).payloads(SALESFORCE_STOCK, 19_000_000):
        http.answers = lambda *_, body=payload.body: (200, body)
        try:
            found = reader.stock(["MUG"])
        except LockstepError as error:
            assert_is_bounded(str(error))
            outcomes["error"] += 1
            continue
        assert found.keys() == {("MUG", "WAREHOUSE")}, payload
        [level] = found.values()
        assert type(level) is int
        assert abs(level) < 10**15
        outcomes["level" if level >= 0 else "none"] += 1
    assert outcomes.total() == SALESFORCE_STOCK
    assert min(outcomes[name] for name in ("level", "none", "error")) > SALESFORCE_STOCK // 10
