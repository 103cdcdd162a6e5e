"""Forgetting a person removes what identifies them and leaves facts and systems unchanged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import sql

from domain.errors import PermanentError
from domain.personal import FORGOTTEN, without_personal_data
from resources.facts import fact_fields
from resources.ledger.database.compression import decompress
from resources.ledger.privacy.forgetting import Forgotten, forget, was_forgotten
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets.documents import PERSON, order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow

JANE = "jane.doe@example.com"
RUTH: dict[str, Any] = PERSON | {
    "first_name": "Ruthanne",
    "last_name": "Quillfeather",
    "email": "Ruthanne.Q@example.org",
    "phone": "+1 512-555-0199",
    "street_1": "77 Hummingbird Crescent",
    "company": "Quillfeather Pottery",
}
NEEDLES = (
    "ruthanne",
    "quillfeather",
    "hummingbird",
    "512-555-0199",
    "+15125550199",
    "203.0.113.77",
)


def forget_in(scene: Scene, subject: str, *, dry_run: bool = False) -> Forgotten:
    """Forget a person of the scene's connection, as the owner."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        return forget(db, NAME, subject, "tester", dry_run=dry_run)


def traces(scene: Scene) -> list[str]:
    """Return where in the ledger a needle is found, compressed columns included."""
    found = []
    with psycopg.connect(scene.database, autocommit=True) as db:
        tables = [
            name
            for (name,) in db.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'sync'"
            )
        ]
        for table in tables:
            cursor = db.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("sync", table)))
            names = [column.name for column in cursor.description or ()]
            for row in cursor:
                for name, value in zip(names, row, strict=True):
                    text = (
                        decompress(value).decode()
                        if name in ("payload", "canonical", "content") and value
                        else str(value)
                    )
                    found += [
                        f"{table}.{name}: {needle}" for needle in NEEDLES if needle in text.lower()
                    ]
    return found


def discard(scene: Scene) -> None:
    """Close the open rejections of the scene's connection for good."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        found = work_queue.find(db, RejectionFilter(connection=NAME))
        operator_actions.discard(db, found, "ann", "sold by phone instead")


@pytest.fixture
def rejected(scene: Scene) -> Scene:
    """Two orders of Ruth's, one rejected for its postcode, and one of Jane's, delivered."""
    scene.configure(addresses={"postcode": "reject"})
    message = {
        "customer_message": "Please ring Ruthanne Quillfeather",
        "ip_address": "203.0.113.77",
        "customer_id": 4711,
    }
    hers = [order(number, scene.moment(), billing_address=RUTH, **message) for number in (1, 2)]
    for document in hers:
        document["shipping_addresses"] = [
            RUTH | {k: v for k, v in document["shipping_addresses"][0].items() if k not in RUTH}
        ]
    hers[1]["shipping_addresses"][0]["zip"] = "Hummingbird"
    scene.place(*hers)
    scene.place_many([3])
    scene.run("orders")
    shipped = [{"line": "101", "quantity": 2}, {"line": "102", "quantity": 1}]
    scene.to_oms("orders/1/ship", {"lines": shipped})
    scene.run("shipments")
    return scene


@pytest.fixture
def shop(rejected: Scene) -> Scene:
    """The same, after an operator has decided that the rejected order is not sent."""
    discard(rejected)
    return rejected


def test_an_order_that_is_rejected_is_kept_until_that_is_decided(rejected: Scene) -> None:
    """It is owed to the OMS: the correction needs the address, and forgetting discarded it."""
    done = forget_in(rejected, RUTH["email"])
    assert (done.orders, done.open_orders) == (["1"], {"2": "rejected: postcode_invalid"})
    assert rejected.open_rejections("orders") == {"2": "postcode_invalid"}
    with pytest.raises(PermanentError, match=r"2 \(rejected: postcode_invalid\)"):
        forget_in(rejected, RUTH["email"])

    discard(rejected)
    assert forget_in(rejected, RUTH["email"]).orders == ["2"]
    assert traces(rejected) == []


@pytest.mark.parametrize("subject", ["RUTHANNE.Q@example.org", "4711"])
def test_a_person_is_forgotten_everywhere_and_the_facts_stay(shop: Scene, subject: str) -> None:
    """By e-mail address or the store's customer id; amounts, lines and outcomes are unchanged."""
    facts = "SELECT * FROM history.order_lines ORDER BY 1, 2, 3"
    before = (
        shop.sql(facts),
        shop.sql("SELECT order_id, total, units, ship_country FROM sync.order_header ORDER BY 1"),
        shop.outcomes("orders"),
    )
    assert traces(shop)

    planned = forget_in(shop, subject, dry_run=True)
    assert planned.orders == ["1", "2"]
    assert traces(shop)
    done = forget_in(shop, subject)

    assert done.counts == planned.counts
    assert done.counts["capture"] == 3  # two orders, and the OMS's copy of one
    assert traces(shop) == []
    after = (
        shop.sql(facts),
        shop.sql("SELECT order_id, total, units, ship_country FROM sync.order_header ORDER BY 1"),
        shop.outcomes("orders"),
    )
    assert after == before
    payload = msgspec.json.decode(
        decompress(
            shop.sql(
                "SELECT payload FROM sync.capture WHERE stream = 'orders' AND source_id = '1'"
            )[0][0]
        )
    )
    document = payload.get("order", payload)
    assert document["billing_address"]["first_name"] == FORGOTTEN
    assert document["billing_address"]["country_iso2"] == "US"
    assert document["total_inc_tax"] == "35.0000"
    assert (
        JANE
        in decompress(
            shop.sql("SELECT payload FROM sync.capture WHERE source_id = '3'")[0][0]
        ).decode()
    )
    assert shop.open_rejections("orders") == {}


def test_forgetting_is_recorded_without_the_person_and_done_once(shop: Scene) -> None:
    """The ledger records by whom and when, and can confirm a person; a repetition adds nothing."""
    with psycopg.connect(shop.database, autocommit=True) as db:
        db.execute("SET ROLE lockstep_writer")
        # Captures can't be changed with the rights of the running service.
        with pytest.raises(PermanentError, match="lockstep_owner"):
            forget(db, NAME, RUTH["email"], "tester")
    forget_in(shop, RUTH["email"])
    assert not any(forget_in(shop, RUTH["email"]).counts.values())
    [(who, counts, row)] = shop.sql("SELECT who, counts, forgotten::text FROM sync.forgotten")
    assert who == "tester"
    assert counts["capture"] == 3
    assert "ruthanne" not in row.lower()
    with psycopg.connect(shop.database) as db:
        assert was_forgotten(db, NAME, "ruthanne.q@EXAMPLE.org")
        assert not was_forgotten(db, NAME, JANE)


def test_a_rerun_sends_nothing_and_restores_nothing(shop: Scene) -> None:
    """Also with force: the OMS keeps what it has, and the ledger stays without her data."""
    forget_in(shop, RUTH["email"])
    outcomes, effects = shop.outcomes("orders"), shop.oms_counts()

    shop.run("orders", "shipments", first=shop.yesterday)
    force = {f"{NAME}__orders_delivered": {"config": {"force": True}}}
    result = shop.run_in_dagster("orders", first=shop.yesterday, config=force)

    assert traces(shop) == []
    assert shop.outcomes("orders") == outcomes | {
        "2": ("skipped", "forgotten")
    }  # it was rejected before, and is not tried again
    assert shop.oms_order(1)["CustomerFirstName"] == "Ruthanne"
    assert shop.oms_counts()["creates"] == effects["creates"]
    [event] = [
        e
        for e in result.get_asset_materialization_events()
        if e.asset_key and e.asset_key.path[-1] == "orders_delivered"
    ]
    assert "1" in str(event.materialization.metadata["left alone: forgotten"].value)


def test_a_later_version_is_stored_without_the_person_and_not_delivered(shop: Scene) -> None:
    """The store still sends her data: the version is stored without it and skipped."""
    forget_in(shop, RUTH["email"])
    saves = shop.oms_counts()["saves"]
    shop.to_store(
        "orders/1",
        {
            "staff_notes": "Ruthanne Quillfeather called",
            "date_modified": (shop.moment() + timedelta(hours=2)).isoformat(),
        },
        "PATCH",
    )

    shop.run("orders")

    assert shop.outcomes("orders")["1"] == ("skipped", "forgotten")
    assert traces(shop) == []
    assert shop.oms_counts()["saves"] == saves
    assert shop.sql("SELECT count(*) FROM sync.order_line WHERE source_id = '1'") == [(2,)]


def test_work_in_progress_is_finished_first(scene: Scene) -> None:
    """An order that is still to be sent needs its address, so forgetting is refused."""
    scene.place(order(1, scene.moment(), billing_address=RUTH))
    scene.run("orders", steps=("captured", "validated"))
    with pytest.raises(PermanentError, match=r"still to be done: 1 \(to be delivered\)"):
        forget_in(scene, RUTH["email"])
    assert traces(scene)


def test_an_order_that_has_not_shipped_is_kept_until_it_has(scene: Scene) -> None:
    """It can still be shipped and canceled; a finished order of hers is forgotten at once."""
    scene.place(
        *[order(number, scene.moment(), billing_address=RUTH) for number in (1, 2, 3)],
    )
    scene.run("orders", "shipments")
    scene.to_oms("orders/1/ship", {"lines": [{"line": "101", "quantity": 2}]})
    scene.run("shipments")
    why = "not shipped yet"
    assert forget_in(scene, RUTH["email"], dry_run=True).open_orders == dict.fromkeys("123", why)
    with pytest.raises(PermanentError, match=r"still to be done: 1 \(not shipped yet\)"):
        forget_in(scene, RUTH["email"])

    scene.to_store("orders/3/status", {"status_id": 5})
    scene.to_oms("orders/1/ship", {"lines": [{"line": "102", "quantity": 1}]})
    scene.run("orders", "shipments")
    done = forget_in(scene, RUTH["email"])
    assert (done.orders, done.open_orders) == (["1", "3"], {"2": why})
    left = "SELECT DISTINCT source_id FROM sync.forgotten_record WHERE stream = 'orders' ORDER BY 1"
    assert scene.sql(left) == [("1",), ("3",)]

    scene.to_store("orders/2/status", {"status_id": 5})
    scene.run("orders", "shipments")
    assert scene.oms_order(2)["IsCancelled"] is True
    done = forget_in(scene, RUTH["email"])
    assert (done.orders, done.open_orders) == (["2"], {})
    assert traces(scene) == []


def test_a_connection_that_reads_no_shipments_has_no_order_that_waits_for_one(scene: Scene) -> None:
    """Nothing would ever end the waiting."""
    scene.place(order(1, scene.moment(), billing_address=RUTH))
    scene.run("orders")
    assert forget_in(scene, RUTH["email"]).orders == ["1"]
    assert traces(scene) == []


def test_names_of_fields_decide_in_any_systems_spelling() -> None:
    """Personal values go, whatever a system calls their field; facts that look alike stay."""
    document = {
        "OrderId": "US-1",
        "CustomerFirstName": "Ruthanne",
        "CustomerLastName": "Quillfeather",
        "CustomerId": 4711,
        "Total": 12.5,
        "OrderLine": [
            {"ItemId": "RUTHANNE-MUG", "Description": "Mug of ruthanne quillfeather", "Quantity": 2}
        ],
        "form_fields": [{"name": "VAT", "value": "DE1"}],
        "notes": [{"kind": "customer", "text": "hello"}],
        "first_name": "",
        "Address": {
            "Address1": "77 Hummingbird Crescent",
            "City": "Austin",
            "State": "TX",
            "Country": "US",
            "PostalCode": None,
        },
    }
    cleaned = without_personal_data(document, fact_fields())
    assert cleaned["OrderLine"] == [
        {"ItemId": "RUTHANNE-MUG", "Description": f"Mug of {FORGOTTEN}", "Quantity": 2}
    ]
    assert cleaned["Address"] == {
        "Address1": FORGOTTEN,
        "City": FORGOTTEN,
        "State": "TX",
        "Country": "US",
        "PostalCode": None,
    }
    assert (cleaned["OrderId"], cleaned["CustomerId"], cleaned["Total"], cleaned["first_name"]) == (
        "US-1",
        0,
        12.5,
        "",
    )
    assert cleaned["form_fields"] == [{"name": FORGOTTEN, "value": FORGOTTEN}]
    assert without_personal_data(cleaned, fact_fields()) == cleaned


def test_a_message_that_could_not_be_read_keeps_no_body(shop: Scene) -> None:
    """It may be of anyone, and can't be searched; that it came, and why it was kept, stays."""
    kept = """INSERT INTO sync.unread_event (connection, system, message_id, problem, body)
              VALUES (%s, 'platform', 'm-1', 'no JSON', %s)"""
    shop.sql_write(kept, NAME, b"{ruthanne quillfeather")
    shop.sql_write(kept, "other", b"{")
    assert forget_in(shop, RUTH["email"], dry_run=True).counts["unread_event"] == 1
    assert forget_in(shop, RUTH["email"]).counts["unread_event"] == 1
    rows = shop.sql("SELECT connection, problem, length(body) FROM sync.unread_event ORDER BY 1")
    assert rows == [(NAME, "no JSON", 0), ("other", "no JSON", 1)]
    assert traces(shop) == []
