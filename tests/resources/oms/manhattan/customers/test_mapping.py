"""A customer as the body of a save, and what is sent when it changes."""

from __future__ import annotations

from typing import Any

import pytest

from domain.addressing.addresses import Address
from domain.errors import RecordRejected
from domain.records.customers import Customer, CustomerAddress, deleted_customer
from resources.oms.manhattan.customers.mapping import (
    CustomerMapper,
    customer_change,
    held_content,
)
from resources.oms.manhattan.settings import ManhattanSettings

Json = dict[str, Any]
AT_HOME = Address(
    "Ada",
    "Shore",
    "",
    "1 Row",
    "",
    "Austin",
    "US-TX",
    "Texas",
    "78701",
    "US",
    "+15125550142",
    "",
    "+1 512-555-0142",
    "",
)


def mapper(**names: str | None) -> CustomerMapper:
    """Return the mapping for one tenant."""
    return CustomerMapper(
        ManhattanSettings.model_validate(
            {
                "base_url": "https://t.omni.example.com",
                "token_url": "https://t.omni.example.com/oauth/token",
                "client_id": "x",
                "client_secret": {"env": "S"},
                "grant": "client_credentials",
                "organization": "ACME",
                "names": names,
            }
        )
    )


def customer(**changes: Any) -> Customer:
    """Return a customer with two addresses."""
    addresses = (
        CustomerAddress(address_id="1", address=AT_HOME, is_default_shipping=True),
        CustomerAddress(address_id="2", address=AT_HOME),
    )
    given = {
        "customer_id": "US-7",
        "source_id": "7",
        "number": "7",
        "store": "abc",
        "email": "ada@example.org",
        "first_name": "Ada",
        "phone_e164": "+15125550142",
        "group": "3",
        "locale": "de",
        "accepts_marketing": False,
        "addresses": addresses,
    }
    return Customer(**(given | changes))


def test_only_what_the_tenant_has_an_attribute_for_is_sent() -> None:
    """Consent, language and group go where the tenant names attributes for them."""
    plain = mapper().payload(customer())
    assert set(plain) == {
        "CustomerId",
        "OrgId",
        "IsActive",
        "FirstName",
        "Email",
        "Phone",
        "CustomerAddress",
    }
    named = mapper(
        customer_consent="OptIn", customer_locale="Language", customer_group="Group"
    ).payload(customer())
    assert (named["OptIn"], named["Language"], named["Group"]) == (False, "de", "3")


def test_a_change_names_what_changed_and_clears_what_is_gone() -> None:
    """Addresses by their ids; what the change leaves out stays as it is."""
    before = mapper().payload(customer())
    moved = CustomerAddress(address_id="1", address=AT_HOME)
    after = mapper().payload(customer(first_name="", email="new@example.org", addresses=(moved,)))
    assert customer_change(before, before) is None
    change = customer_change(before, after)
    assert change is not None
    assert {n: v for n, v in change.items() if n != "CustomerAddress"} == {
        "CustomerId": "US-7",
        "OrgId": "ACME",
        "Email": "new@example.org",
        "FirstName": None,
    }
    first, second = change["CustomerAddress"]  # type: ignore[misc]
    assert (first["AddressId"], first["IsDefaultShipping"]) == ("1", None)
    assert (second["AddressId"], second["IsActive"]) == ("2", False)
    assert set(second["Address"].values()) == {None}


def test_the_whole_repeats_everything_and_still_removes() -> None:
    """For when an operator forces it."""
    before = mapper().payload(customer())
    after = mapper().payload(customer(addresses=()))
    change = customer_change(before, after, whole=True)
    assert change is not None
    assert set(after) <= set(change)
    assert [row["IsActive"] for row in change["CustomerAddress"]] == [False, False]  # type: ignore[attr-defined]


def test_a_customer_that_is_gone_has_nothing_but_its_ids() -> None:
    """The change to it empties everything that was sent before."""
    before, gone = (
        mapper().payload(customer()),
        mapper().payload(
            Customer(customer_id="US-7", source_id="7", number="7", store="abc", is_gone=True)
        ),
    )
    assert gone == {"CustomerId": "US-7", "OrgId": "ACME", "IsActive": False}
    change = customer_change(before, gone)
    assert change is not None
    left = [v for n, v in change.items() if n not in ("CustomerId", "OrgId", "CustomerAddress")]
    assert set(left) == {None, False}
    assert deleted_customer("7", "abc").email == ""


def test_what_a_tenant_holds_is_read_in_the_form_that_was_sent() -> None:
    """Attributes and addresses of the tenant's own staff are not ours."""
    sent = mapper().payload(customer())
    theirs = {"AddressId": "frontdoor", "Address": {"City": "Reno"}}
    document = sent | {"Tier": "gold", "CustomerAddress": [*sent["CustomerAddress"], theirs]}  # type: ignore[misc]
    assert held_content(document, [sent]) == sent
    removed = {"AddressId": "1", "IsActive": False, "Address": {}}
    document = sent | {"CustomerAddress": [removed, sent["CustomerAddress"][1]]}  # type: ignore[index]
    held = held_content(document, [sent])
    assert [row["AddressId"] for row in held["CustomerAddress"]] == ["2"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "shape", [{"CustomerAddress": 5}, {"CustomerAddress": [{"AddressId": "1", "Address": 3}]}]
)
def test_a_held_customer_of_another_shape_is_an_error(shape: Json) -> None:
    """It is a problem of that record, not of the batch."""
    with pytest.raises(TypeError):
        held_content({"CustomerId": "US-7"} | shape, [mapper().payload(customer())])


def test_an_id_that_breaks_addresses_is_refused() -> None:
    """Before it is sent."""
    with pytest.raises(RecordRejected) as rejected:
        mapper().payload(customer(customer_id="a/b"))
    assert rejected.value.problems[0].code == "customer_id_unsafe"


def test_default_addresses_are_marked() -> None:
    """Each by its own flag; an address that is not one has neither."""
    flags = [(True, False), (False, True), (True, True), (False, False)]
    addresses = tuple(
        CustomerAddress(
            address_id=str(n), address=AT_HOME, is_default_shipping=ship, is_default_billing=bill
        )
        for n, (ship, bill) in enumerate(flags)
    )
    sent: Any = mapper().payload(customer(addresses=addresses))
    assert [
        ("IsDefaultShipping" in entry, "IsDefaultBilling" in entry)
        for entry in sent["CustomerAddress"]
    ] == flags
