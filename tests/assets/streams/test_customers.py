"""The customers chain, run by Dagster between a sandbox store and a sandbox OMS."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from domain.identity import correlation_id
from resources.ledger.monitoring.caution import become_cautious
from resources.ledger.rejections import operator_actions
from resources.ledger.rejections.work_queue import RejectionFilter
from sensors.cursor import Chain
from sensors.windows import probe
from tests.assets.customers import (
    ADA,
    STREAMS,
    address,
    announce,
    customer,
    held,
    register,
    truth,
)
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=30)

Json = dict[str, Any]
SAVE = "customer/save$"


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A connection whose customers go to the OMS."""
    scene.configure(streams=STREAMS, max_attempts=1)
    return scene


def test_customers_are_created_once_with_their_addresses(shop: Scene) -> None:
    """Both systems hold the same; running again sends nothing."""
    many = [address(n, city=f"Town {n}") for n in range(101, 114)]
    register(shop, customer(1, shop.moment()), customer(2, shop.moment(), addresses=many))
    register(shop, customer(3, shop.moment(), addresses=[]))

    shop.run("customers")
    shop.run("customers")

    assert truth(shop, "manhattan") == truth(shop, "bigcommerce")
    assert len(truth(shop, "manhattan")["2"]["addresses"]) == 13, "the list is cut at ten"
    assert {name: (row["creates"], row["saves"]) for name, row in held(shop).items()} == {
        "1": (1, 1), "2": (1, 1), "3": (1, 1)
    }  # fmt: skip
    document = held(shop)["1"]["document"]
    assert document["Phone"] == "+15125550142"
    assert document["CustomerAddress"][0]["Address"]["State"] == "TX"
    assert shop.outcomes("customers") == dict.fromkeys("123", ("accepted", "delivered"))
    linked = "SELECT store_id, oms_id FROM sync.link WHERE entity = 'customer' ORDER BY 1"
    assert shop.sql(linked) == [("1", "1"), ("2", "2"), ("3", "3")]


def test_a_change_sends_what_changed_and_leaves_the_rest(shop: Scene) -> None:
    """What the tenant's staff has entered stays, also an address of theirs."""
    register(shop, customer(1, shop.moment(), addresses=[address(11), address(12)]))
    shop.run("customers")
    theirs = {"AddressId": "frontdoor", "Address": {"City": "Reno"}}
    staff = {"CustomerId": "1", "CompanyName": "Kept", "Tier": "gold", "CustomerAddress": [theirs]}
    shop.to_oms("customers", [staff])

    shop.to_store("customers", [{"id": 1, "email": "new@example.org"}])
    shop.to_store("customers/1/addresses", {"id": 12, "city": "Waco", "address2": "Unit 4"})
    shop.to_store("customers/1/addresses", address(13))
    shop.to_store("customers/1/addresses/11", {}, "DELETE")
    shop.run("customers")

    document = held(shop)["1"]["document"]
    assert document["Email"] == "new@example.org"
    assert (document["CompanyName"], document["Tier"]) == ("Kept", "gold")
    cities = {row["AddressId"]: row["Address"].get("City") for row in document["CustomerAddress"]}
    assert cities == {"11": None, "12": "Waco", "13": "Austin", "frontdoor": "Reno"}
    actions = [(action, state) for _, action, state, _ in shop.deliveries("customers")]
    assert sorted(actions) == [("create", "delivered"), ("update", "delivered")]


def test_a_deleted_customer_becomes_inactive_and_loses_its_person(shop: Scene) -> None:
    """Of an OMS that can't delete; the webhook is the only sign of it."""
    register(shop, customer(1, shop.moment()), customer(2, shop.moment()))
    shop.run("customers")
    shop.to_store("customers/1", {}, "DELETE")
    shop.run("customers")
    assert truth(shop, "manhattan")["1"]["active"], "no list shows a deletion"

    announce(shop, 1, "deleted")
    shop.run("customers")
    announce(shop, 1, "updated")
    shop.run("customers")

    document = held(shop)["1"]["document"]
    assert document["IsActive"] is False
    shown = str(document).lower()
    assert not [text for text in (*ADA.values(), "kingfisher", "ada1@") if text.lower() in shown]
    assert truth(shop, "manhattan")["2"]["active"]
    assert held(shop)["1"]["saves"] == 2, "an event that changes nothing sends nothing"


def test_a_customer_who_is_deleted_before_being_sent_is_never_created(shop: Scene) -> None:
    """Nor one that Lockstep has never captured."""
    register(shop, customer(1, shop.moment()))
    shop.run("customers", steps=("captured",))
    shop.to_store("customers/1", {}, "DELETE")
    announce(shop, 1, "deleted")
    announce(shop, 77, "deleted")
    shop.run("customers")
    assert held(shop) == {}
    assert shop.outcomes("customers") == {"1": ("accepted", "unchanged")}


def test_a_changed_address_is_found_by_its_event(shop: Scene) -> None:
    """The store moves neither the customer's time nor its list of changes."""
    register(shop, customer(1, shop.moment()))
    shop.run("customers")
    shop.to_store("customers/1/addresses", address(10, city="Waco"))
    announce(shop, 1, "address/updated")
    shop.run("customers")
    assert truth(shop, "manhattan")["1"]["addresses"] == [["10", "Waco"]]
    shop.run("customers")
    assert held(shop)["1"]["saves"] == 2


def test_an_event_makes_the_chain_due_until_it_is_captured(shop: Scene) -> None:
    """Otherwise a deletion would wait for the next change of another customer."""
    register(shop, customer(1, shop.moment()))
    shop.run("customers")
    assert shop.lockstep is not None
    chain = Chain(NAME, "customers")
    shop.sql_write("UPDATE sync.watermark SET watermark = now() - interval '30 seconds'")
    assert probe(shop.lockstep, chain, datetime.now(UTC)) == []
    announce(shop, 1, "deleted")
    shop.sql_write("UPDATE sync.inbox SET received_at = received_at - interval '10 seconds'")
    due = probe(shop.lockstep, chain, datetime.now(UTC))
    assert due, "the deletion is on no list"
    shop.sql_write("UPDATE sync.watermark SET watermark = now()")
    assert probe(shop.lockstep, chain, datetime.now(UTC)) == []


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_lost_answer_creates_no_second_customer(shop: Scene, kind: str) -> None:
    """Whether or not the tenant has got it, it then holds the newest version."""
    register(shop, customer(1, shop.moment(), addresses=[address(11)]), customer(2, shop.moment()))
    rule = {"kind": kind, "path": SAVE, "correlation": correlation_id(NAME, "customer", "1")}
    shop.fault("manhattan", rule)
    shop.run("customers", raise_on_error=False)
    assert ("1", "create", "dead", 1) in shop.deliveries("customers")
    shop.fault("manhattan")
    register(shop, {"id": 1, "company": "", "first_name": "Adele"})
    shop.to_store("customers/1/addresses", address(12))
    shop.to_store("customers/1/addresses/11", {}, "DELETE")

    shop.run("customers")

    assert truth(shop, "manhattan") == truth(shop, "bigcommerce")
    assert held(shop)["1"]["creates"] == 1
    assert "CompanyName" not in held(shop)["1"]["document"]
    assert shop.open_rejections("customers") == {}


def test_an_older_version_that_comes_late_changes_nothing(shop: Scene) -> None:
    """A rerun of an old day keeps what the newest day has sent."""
    register(shop, customer(1, shop.moment()))
    shop.run("customers", first=shop.yesterday)
    register(shop, {"id": 1, "first_name": "Adele"})
    shop.run("customers", first=shop.today)
    before = held(shop)
    shop.run("customers", first=shop.yesterday)
    shop.run("customers")
    assert held(shop) == before
    assert before["1"]["document"]["FirstName"] == "Adele"


def test_a_customer_anonymised_at_the_store_is_anonymised_at_the_oms(shop: Scene) -> None:
    """What the store has emptied is cleared, not kept."""
    register(shop, customer(1, shop.moment()))
    shop.run("customers")
    emptied = {"first_name": "Deleted", "last_name": "", "company": "", "phone": ""}
    register(shop, {"id": 1, "email": "x1@deleted.example", **emptied})
    shop.to_store("customers/1/addresses/10", {}, "DELETE")
    shop.run("customers")
    shown = str(held(shop)["1"]["document"]).lower()
    assert not [text for text in (*ADA.values(), "kingfisher", "ada1@") if text.lower() in shown]
    assert truth(shop, "manhattan") == truth(shop, "bigcommerce")


def test_what_the_oms_refuses_is_a_rejection_without_personal_data(shop: Scene) -> None:
    """The others are sent; once it is corrected at the store, it goes out by itself."""
    register(shop, customer(1, shop.moment(), email="adalheid.brightwater"))
    register(shop, customer(2, shop.moment()))
    shop.run("customers")
    assert set(held(shop)) == {"2"}
    assert shop.open_rejections("customers") == {"1": "oms_invalid_email"}
    [(field, message)] = shop.sql("SELECT field, message FROM sync.rejection")
    assert field == "Email"
    assert "adalheid" not in message
    register(shop, {"id": 1, "email": "ada1@example.org"})
    shop.run("customers")
    assert shop.open_rejections("customers") == {}
    assert truth(shop, "manhattan") == truth(shop, "bigcommerce")


@pytest.mark.parametrize("first", ["orders", "customers"])
def test_orders_name_their_customer_whichever_comes_first(scene: Scene, first: str) -> None:
    """By the id that the customer has at the OMS; guests stay guests."""
    scene.configure(streams=STREAMS, orders={"order_id_prefix": "US-"})
    register(scene, customer(4711, scene.moment()))
    scene.place(order(1, scene.moment(), customer_id=4711), order(2, scene.moment()))
    second = ({"orders", "customers"} - {first}).pop()
    scene.run(first)
    scene.run(second)
    assert scene.oms_order("US-1")["CustomerId"] == "US-4711"
    assert "CustomerId" not in scene.oms_order("US-2")
    assert set(held(scene)) == {"US-4711"}


def test_without_the_stream_orders_keep_the_stores_id(scene: Scene) -> None:
    """As before there were customers, so that nothing at the OMS changes."""
    scene.configure(orders={"order_id_prefix": "US-"})
    scene.place(order(1, scene.moment(), customer_id=4711))
    scene.run("orders")
    assert scene.oms_order("US-1")["CustomerId"] == "4711"


def test_a_discarded_change_that_the_store_takes_back_is_compared_with_the_oms(shop: Scene) -> None:
    """An operator may have made it there by hand, and the customer must not count as unchanged."""
    register(shop, customer(1, shop.moment()), customer(2, shop.moment()))
    shop.run("customers")
    emails = {n: held(shop)[n]["document"]["Email"] for n in ("1", "2")}
    for number in emails:
        shop.to_store("customers", [{"id": int(number), "email": "adalheid.brightwater"}])
    shop.run("customers")
    with psycopg.connect(shop.database, autocommit=True) as db:
        found = operator_actions.chosen(db, RejectionFilter())
        assert {one.source_id for one in found} == {"1", "2"}
        operator_actions.discard(db, found, "ann", "changed by hand")
    shop.to_oms("customers", [{"CustomerId": "1", "Email": "new1@example.org"}])
    saves = held(shop)["2"]["saves"]
    for number, email in emails.items():
        shop.to_store("customers", [{"id": int(number), "email": email}])
    shop.run("customers")
    assert {n: held(shop)[n]["document"]["Email"] for n in ("1", "2")} == emails
    assert held(shop)["2"]["saves"] == saves, "it was not changed at the OMS"
    assert shop.open_rejections("customers") == {}
    before = shop.oms_counts()["requests"]
    shop.run("customers")
    assert shop.oms_counts()["requests"] == before, "what it has is known"


def test_a_restored_ledger_overwrites_no_customer_blindly(shop: Scene) -> None:
    """What the tenant holds is read before a customer is created that it may have."""
    register(shop, customer(1, shop.moment()))
    shop.run("customers")
    shop.to_oms("customers", [{"CustomerId": "1", "Tier": "gold"}])
    shop.sql_write("DELETE FROM sync.delivery")
    shop.sql_write("DELETE FROM sync.target_state")
    shop.sql_write("DELETE FROM sync.link")
    shop.sql_write("UPDATE sync.record SET outcome = NULL")
    shop.sql_write("UPDATE sync.watermark SET watermark = now()")
    with psycopg.connect(shop.database, autocommit=True) as db:
        assert become_cautious(db, "a test") > 0
    shop.run("customers")
    assert held(shop)["1"]["document"]["Tier"] == "gold"
    assert shop.outcomes("customers") == {"1": ("accepted", "unchanged")}


def test_a_change_of_a_customer_that_the_oms_has_lost_is_sent_whole_by_a_retry(
    scene: Scene,
) -> None:
    """The OMS would take the change for a new customer, without all that has not changed."""
    scene.configure(streams=STREAMS)
    register(scene, customer(1, scene.moment()), customer(2, scene.moment()))
    scene.run("customers")
    scene.to_oms("customers/remove", ["1"])
    scene.to_oms("customers", [{"CustomerId": "2", "Email": "corrected@example.com"}])
    changed = [customer(n, scene.moment(hour=13), first_name="Adele") for n in (1, 2)]
    register(scene, *changed)
    scene.run("customers")
    assert scene.open_rejections("customers") == {"1": "customer_gone_at_oms"}
    assert held(scene).keys() == {"2"}
    other = held(scene)["2"]["document"]
    assert (other["FirstName"], other["Email"]) == ("Adele", "corrected@example.com")
    found = operator_actions.chosen(scene._db(), RejectionFilter())
    operator_actions.begin_retry(scene._db(), found, "ann", "as_captured")
    scene.run("customers")
    assert scene.open_rejections("customers") == {}
    document = held(scene)["1"]["document"]
    assert (document["FirstName"], len(document["CustomerAddress"])) == ("Adele", 1)
