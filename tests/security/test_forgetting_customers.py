"""Forgetting a registered customer: the customer, their orders, and what the OMS was sent."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from domain.errors import PermanentError
from resources.ledger.database.compression import decompress
from resources.ledger.privacy.forgetting import Forgotten, forget, was_forgotten
from tests.assets.customers import ADA, STREAMS, announce, customer, held, register
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow

NEEDLES = ("adalheid", "brightwater", "kingfisher", "ada4711@", "15125550142", "512-555-0142")


def forget_in(scene: Scene, subject: str, **more: Any) -> Forgotten:
    """Forget a person of the scene's connection, as the owner."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        return forget(db, NAME, subject, "tester", **more)


def traces(scene: Scene) -> set[str]:
    """Return where in the ledger a needle is found, compressed columns included."""
    found = set()
    with psycopg.connect(scene.database, autocommit=True) as db:
        tables = db.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'sync'"
        ).fetchall()
        for (table,) in tables:
            cursor = db.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("sync", table)))
            names = [column.name for column in cursor.description or ()]
            for row in cursor:
                for name, value in zip(names, row, strict=True):
                    is_blob = name in ("payload", "canonical", "content") and value
                    text = (decompress(value).decode() if is_blob else str(value)).lower()
                    found |= {f"{table}.{name}" for needle in NEEDLES if needle in text}
    return found


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A registered customer with an order that names the id only, and another customer."""
    scene.configure(streams=STREAMS)
    register(scene, customer(4711, scene.moment()))
    register(scene, {"id": 8, "email": "else@example.org", "first_name": "Bo"})
    scene.place(order(1, scene.moment(), customer_id=4711), order(2, scene.moment()))
    scene.run("orders", "customers")
    for number in (1, 2):
        shipped = [{"line": f"{number}01", "quantity": 2}, {"line": f"{number}02", "quantity": 1}]
        scene.to_oms(f"orders/{number}/ship", {"lines": shipped})
    scene.run("shipments")
    return scene


@pytest.mark.parametrize("subject", ["Ada4711@example.org", "4711"])
def test_a_customer_is_forgotten_with_their_orders(shop: Scene, subject: str) -> None:
    """By the address that only the customer's record has, or by the id that both have."""
    places = {"capture.payload", "record.canonical", "target_state.content"}
    assert places <= traces(shop)
    planned = forget_in(shop, subject, dry_run=True)
    assert (planned.others, planned.orders) == (["customer 4711"], ["1"])
    assert places <= traces(shop)

    done = forget_in(shop, subject)

    assert (done.others, done.orders, done.open_records) == (["customer 4711"], ["1"], {})
    assert traces(shop) == set()
    with psycopg.connect(shop.database, autocommit=True) as db:
        assert was_forgotten(db, NAME, subject)
    assert forget_in(shop, subject).counts == dict.fromkeys(done.counts, 0)
    assert shop.outcomes("customers")["8"] == ("accepted", "delivered")


def test_a_forgotten_customer_is_neither_stored_nor_sent_again(shop: Scene) -> None:
    """A later change, its event and a forced rerun bring nothing back."""
    forget_in(shop, "4711")
    before = held(shop)["4711"]
    register(shop, {"id": 4711, **ADA, "company": "Brightwater and Daughters"})
    announce(shop, 4711, "updated")
    shop.run("customers")
    shop.run("customers", config={"acme__customers_delivered": {"config": {"force": True}}})
    assert held(shop)["4711"] == before
    assert shop.outcomes("customers")["4711"] == ("skipped", "forgotten")
    assert traces(shop) == set()


def test_a_customer_who_is_still_to_be_sent_is_kept_until_then(shop: Scene) -> None:
    """The other records of theirs are forgotten; with nothing else, the command is refused."""
    register(shop, {"id": 4711, "first_name": "Adalheid"})
    register(shop, {"id": 8, "first_name": "Bob"})
    shop.run("customers", steps=("captured", "validated"))
    done = forget_in(shop, "4711")
    assert (done.others, done.orders) == ([], ["1"])
    assert done.open_others == {"customer 4711": "to be delivered"}
    with pytest.raises(PermanentError, match=r"customer 8 \(to be delivered\)"):
        forget_in(shop, "8")
    shop.run("customers")
    assert forget_in(shop, "8").others == ["customer 8"]
    assert forget_in(shop, "4711").others == ["customer 4711"]
    assert traces(shop) == set()
