"""Customers of a commercetools project at Manhattan, end to end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.customers import STREAMS, held
from tests.pairs.commercetools import ProjectScene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
ADA: Json = {
    "email": "ada@example.org", "firstName": "Adalheid", "lastName": "Brightwater",
    "companyName": "Brightwater Kilns", "locale": "de-AT", "customerNumber": "K-1",
    "addresses": [
        {"id": "home", "streetName": "Kingfisher Row", "streetNumber": "12", "city": "Austin",
         "state": "TX", "postalCode": "78701", "country": "US", "phone": "+1 512-555-0142"},
        {"id": "work", "streetName": "Main Street", "city": "Waco", "country": "US"},
    ],
    "defaultShippingAddressId": "home",
}  # fmt: skip


@pytest.fixture
def shop(project: ProjectScene) -> ProjectScene:
    """A connection whose customers go to the OMS, with their languages."""
    project.configure(streams=STREAMS, oms={"names": {"customer_locale": "Language"}})
    return project


def register(scene: ProjectScene, *customers: Json) -> list[str]:
    """Register customers, or change them; return their ids."""
    ids: list[str] = scene.to_store("customers", list(customers))["ids"]
    return ids


def at_oms(scene: ProjectScene) -> list[Json]:
    """Return the tenant's customers neutrally, by id."""
    rows: list[Json] = scene._ask(f"manhattan/{scene.store}/truth")[0]["customers"]
    return sorted(rows, key=lambda row: str(row["id"]))


def at_store(scene: ProjectScene) -> list[Json]:
    """Return the project's customers neutrally, by id."""
    return sorted(scene.truth()["customers"], key=lambda row: str(row["id"]))


def test_customers_are_created_changed_and_stay_in_step(shop: ProjectScene) -> None:
    """Addresses by their ids; running again sends nothing."""
    [one, two] = register(
        shop,
        {**ADA, "at": shop.moment().isoformat()},
        {"email": "bo@example.org", "at": shop.moment().isoformat()},
    )
    shop.run("customers")
    assert at_oms(shop) == at_store(shop)
    document = held(shop)[one]["document"]
    assert (document["Language"], document["CompanyName"]) == ("de-AT", "Brightwater Kilns")
    assert [row.get("IsDefaultShipping") for row in document["CustomerAddress"]] == [True, None]

    register(shop, {"id": one, "addresses": [{**ADA["addresses"][1], "city": "Reno"}]})
    shop.run("customers")
    shop.run("customers")

    assert at_oms(shop) == at_store(shop)
    assert {name: row["saves"] for name, row in held(shop).items()} == {one: 2, two: 1}
    assert {number for (number,) in shop.sql("SELECT store_number FROM sync.link")} == {two, "K-1"}


def test_a_deletion_is_found_by_its_message(shop: ProjectScene) -> None:
    """No webhook is needed; the tenant keeps an inactive customer without a person."""
    [one, two] = register(shop, ADA, {"email": "bo@example.org"})
    shop.run("customers")
    shop.to_store(f"customers/{one}", {}, "DELETE")
    shop.run("customers")
    document = held(shop)[one]["document"]
    assert document["IsActive"] is False
    shown = str(document).lower()
    assert not [n for n in ("adalheid", "brightwater", "kingfisher", "ada@") if n in shown]
    assert held(shop)[two]["document"]["IsActive"] is True
    shop.run("customers")
    assert held(shop)[one]["saves"] == 2


def test_an_order_names_its_customer(shop: ProjectScene) -> None:
    """And a guest's order names none."""
    [one] = register(shop, ADA)
    shop.place_order(1, customerId=one)
    shop.place_order(2)
    shop.run("orders", "customers")
    assert shop.oms_order("1")["CustomerId"] == one
    assert "CustomerId" not in shop.oms_order("2")


def test_a_customer_who_was_deleted_and_orders_again_is_a_new_one(shop: ProjectScene) -> None:
    """A late order of the old account brings nothing of the person back to it."""
    [old] = register(shop, ADA)
    shop.place_order(1, customerId=old)
    shop.run("orders", "customers")
    shop.to_store(f"customers/{old}", {}, "DELETE")
    shop.run("customers")
    shop.place_order(2, customerId=old)
    [new] = register(shop, ADA)
    shop.place_order(3, customerId=new)
    for _ in range(2):
        shop.run("orders", "customers")
    assert [shop.oms_order(number)["CustomerId"] for number in "123"] == [old, old, new]
    assert (held(shop)[old]["document"]["IsActive"], held(shop)[old]["saves"]) == (False, 2)
    assert "brightwater" not in str(held(shop)[old]["document"]).lower()
    assert (held(shop)[new]["document"]["IsActive"], held(shop)[new]["saves"]) == (True, 1)
    assert shop.open_rejections("orders") == shop.open_rejections("customers") == {}


def test_deletions_can_be_left_unread(shop: ProjectScene) -> None:
    """For a project without messages."""
    shop.configure(streams=STREAMS, platform={"customer_deletions": False})
    [one] = register(shop, ADA)
    shop.run("customers")
    shop.to_store(f"customers/{one}", {}, "DELETE")
    shop.run("customers")
    assert held(shop)[one]["document"]["IsActive"] is True
