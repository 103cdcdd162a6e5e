"""Reading from an org: changes of children, lists that come in part, the day's limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

import orjson
import pytest

from domain.errors import AccessRefused, NoPermit, PermanentError, RateLimited
from domain.exchange import Mapped, RawRecord
from domain.sources import Scope, Source
from domain.values import Window
from resources.http.rate_limit import impatient
from resources.platforms.salesforce.fields import ORDER_CHILDREN
from resources.platforms.salesforce.soql import quoted, select
from sandbox.platforms.salesforce.book import full_id
from tests.resources.platforms.salesforce.conftest import Wire
from tests.sandbox.simulated_org import AT

Json = dict[str, Any]
DAY = datetime(2026, 3, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = "2026-03-05T10:00:00Z"
FIRST, SECOND = Window(DAY, DAY + 24 * HOUR), Window(DAY + 24 * HOUR, DAY + 48 * HOUR)


def records(source: Source[Any], window: Window) -> dict[str, RawRecord]:
    """Return the records of a window by id, each of which comes once."""
    found = [record for page in source.fetch(window) for record in page.records]
    assert len({record.source_id for record in found}) == len(found)
    return {record.source_id: record for record in found}


@pytest.mark.parametrize("child", [child.object for child in ORDER_CHILDREN])
def test_a_changed_child_brings_its_order_in_the_window_of_that_change(
    wire: Wire, child: str
) -> None:
    """And in no other: the order's own stamp stays. The probe sees it, too."""
    first, second = wire.org.place("1001", "1002")
    wire.org.control("put/Shipment", {"OrderSummaryId": first, "ShipToName": "x"})
    for row in list(wire.org.org.book.rows("Shipment")):
        wire.org.control(f"touch/Shipment/{row['Id']}", {"at": AT})
    [changed] = [
        row["Id"] for row in wire.org.org.book.rows(child) if row["OrderSummaryId"] == first
    ][:1]
    wire.org.control(f"touch/{child}/{changed}", {"at": LATER})
    source = wire.open().sources["orders"]
    assert set(records(source, FIRST)) == {second}
    [found] = records(source, SECOND).values()
    assert (found.source_id, found.updated_at) == (first, datetime.fromisoformat(LATER))
    assert source.probe(DAY + 24 * HOUR) == datetime.fromisoformat(LATER)
    assert source.probe(DAY + 48 * HOUR) is None


def test_a_change_of_an_address_brings_its_customer(wire: Wire) -> None:
    """Addresses and contacts do not touch the account."""
    row = {
        "LastName": "Doe",
        "Email": "d@x.co",
        "at": AT,
        "addresses": [{"Name": "a", "City": "B"}],
    }
    [identifier] = wire.org.control("customers", [row])["ids"]
    source = wire.open().sources["customers"]
    [address] = [row["Id"] for row in wire.org.org.book.rows("ContactPointAddress")]
    wire.org.control(f"touch/ContactPointAddress/{address}", {"at": LATER})
    assert set(records(source, SECOND)) == {identifier}
    wire.org.control(f"customers/{identifier}", method="DELETE")
    now = datetime.now(UTC)
    [gone] = records(source, Window(now - HOUR, now + HOUR)).values()
    mapped = source.to_canonical(gone.payload)
    assert isinstance(mapped, Mapped)
    assert mapped.record.is_gone


@pytest.mark.parametrize("page", [1, 2, 200])
def test_lists_that_come_in_part_are_completed(wire: Wire, page: int) -> None:
    """At each level, and pages of the query itself, too; the record is the same as a whole one."""
    wire.org.place("1001", "1002", "1003")
    source = wire.open(page_size=2).sources["orders"]
    whole = {name: orjson.loads(r.payload) for name, r in records(source, FIRST).items()}
    wire.org.control("settings", {"child_page": page, "page": page})
    found = {name: orjson.loads(r.payload) for name, r in records(source, FIRST).items()}
    assert found == whole
    by_id = [r for p in source.read(list(whole)) for r in p.records]
    assert {r.source_id: orjson.loads(r.payload) for r in by_id} == whole


def test_a_window_is_read_with_few_calls(wire: Wire) -> None:
    """The day's calls are the quota: one for the orders, one for each kind of child."""
    wire.org.place(*map(str, range(1001, 1051)))
    source = wire.open().sources["orders"]
    assert len(records(source, FIRST)) == 50
    assert len(wire.calls) == 1 + len(ORDER_CHILDREN)


def test_a_query_of_many_ids_fits_into_a_url(wire: Wire) -> None:
    """The vendor takes 16,384 bytes of address and headers."""
    ids = [full_id(f"1OsLk{n:010d}") for n in range(500)]
    source = wire.open(sales_store_id="0ZE000000000001AAA").sources["orders"]
    assert list(source.read(ids)) == []
    assert len(wire.calls) == 3
    longest = max(len(quote_plus(call)) for call in wire.calls)
    assert 4_000 < longest < 14_000


def test_a_store_is_asked_for_its_own_orders_only(wire: Wire) -> None:
    """Also where children are asked for."""
    ours = "0ZE000000000001AAA"
    mine, _ = wire.org.place("1001", SalesStoreId=ours) + wire.org.place("1002")
    source = wire.open(sales_store_id=ours).sources["orders"]
    assert set(records(source, FIRST)) == {mine}
    assert all(ours in call for call in wire.calls)


def test_orders_of_all_stores_are_read_where_that_is_asked(wire: Wire) -> None:
    """A connection that was narrowed to one store has sent some of another; and single ones."""
    ours = "0ZE000000000001AAA"
    mine, other = wire.org.place("1001", SalesStoreId=ours) + wire.org.place("1002")
    source = wire.open(sales_store_id=ours).sources["orders"]
    pages = source.fetch(FIRST, Scope(other_parts=True))
    assert {record.source_id for page in pages for record in page.records} == {mine, other}
    assert source.probe(FIRST.since, other_parts=True) is not None
    assert [record.source_id for page in source.read([other]) for record in page.records] == [other]


def test_the_days_limit_is_a_wait_and_is_known_from_each_answer(wire: Wire) -> None:
    """Of the share that is Lockstep's nothing more is taken, once the org says so."""
    wire.org.control("settings", {"daily": 1000, "used": 899})
    source = wire.open(daily_share=0.9).sources["orders"]
    source.probe(DAY)
    with impatient(), pytest.raises(NoPermit):
        source.probe(DAY)
    assert len(wire.calls) == 1


def test_a_limit_that_others_used_up_is_no_missing_permission(wire: Wire) -> None:
    """403 is both."""
    wire.org.control("settings", {"daily": 10, "used": 10})
    source = wire.open(daily_share=1.0).sources["orders"]
    with pytest.raises(RateLimited, match="REQUEST_LIMIT_EXCEEDED|TotalRequests"):
        records(source, FIRST)


def test_a_session_that_ended_is_renewed_once(wire: Wire) -> None:
    """In the middle of a read, too."""
    wire.org.place("1001")
    connector = wire.open()
    assert len(records(connector.sources["orders"], FIRST)) == 1
    wire.org.control("expire")
    assert len(records(connector.sources["orders"], FIRST)) == 1


def test_an_object_without_permission_is_named_with_advice(wire: Wire) -> None:
    """To the org it does not exist; the preflight names it, too."""
    wire.org.control("settings", {"denied": ["OrderPaymentSummary"]})
    connector = wire.open()
    with pytest.raises(PermanentError, match=r"OrderPaymentSummar.*deploy/salesforce"):
        records(connector.sources["orders"], FIRST)
    failed = [check for check in connector.preflight() if not check.ok]
    assert [check.name for check in failed] == ["query of orders"]
    wire.org.control("settings", {"denied": ["Lockstep_Status__c"]})
    failed = [check for check in connector.preflight() if not check.ok]
    assert [check.name for check in failed] == ["write Lockstep_Status__c"]


def test_a_wrong_secret_is_refused_access(wire: Wire) -> None:
    """And sends no call."""
    wire.org.control("settings", {"client_secret": "other"})
    with pytest.raises(AccessRefused):
        records(wire.open().sources["orders"], FIRST)
    assert wire.calls == []


@pytest.mark.parametrize("text", ["it's", "a\\b", "'; DROP", "\n\r\t", "\\'", "ä🙂"])
def test_texts_in_queries_are_escaped(wire: Wire, text: str) -> None:
    """A text is found as it is, and is never a part of the query."""
    [identifier] = wire.org.place("1001", Description=text)
    rest = f" WHERE Description = {quoted(text)}"
    [row] = wire.org.query(select("Id", "OrderSummary", rest))["records"]
    assert row["Id"] == identifier


def test_a_changed_price_brings_its_product_where_prices_are_read(wire: Wire) -> None:
    """Of the standard price book only; a new stamp alone makes no new version."""
    org = wire.org.org
    [mug] = wire.org.control("catalog", [{"sku": "MUG"}])["ids"]
    [standard] = [row["Id"] for row in org.book.rows("Pricebook2") if row["IsStandard"]]
    other = wire.org.control("put/Pricebook2", {"Name": "Other", "IsActive": True})["id"]
    entry = {"Product2Id": mug, "UnitPrice": 12.5, "IsActive": True, "CurrencyIsoCode": "USD"}
    ids = [
        wire.org.control("put/PricebookEntry", entry | {"Pricebook2Id": book})["id"]
        for book in (standard, other)
    ]
    wire.org.control(f"touch/Product2/{mug}", {"at": AT})
    for each in ids:
        wire.org.control(f"touch/PricebookEntry/{each}", {"at": AT})
    source = wire.open(reads_prices=True).sources["products"]
    [before] = records(source, FIRST).values()
    assert source.to_canonical(before.payload).record.price == Decimal("12.50")

    wire.org.control(f"touch/PricebookEntry/{ids[1]}", {"at": LATER})
    assert records(source, SECOND) == {}
    wire.org.control(f"touch/PricebookEntry/{ids[0]}", {"at": LATER})
    [touched] = records(source, SECOND).values()
    assert touched.digest == before.digest
    wire.org.control("put/PricebookEntry", {"Id": ids[0], "UnitPrice": 11})
    wire.org.control(f"touch/PricebookEntry/{ids[0]}", {"at": LATER})
    [changed] = records(source, SECOND).values()
    assert changed.digest != before.digest
    product = source.to_canonical(changed.payload).record
    assert (product.price, product.currency) == (Decimal("11.00"), "USD")
    assert source.probe(DAY + 24 * HOUR) == datetime.fromisoformat(LATER)
    assert wire.open().sources["products"].probe(DAY + 24 * HOUR) is None
