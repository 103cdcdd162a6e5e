"""Customers of a project, in every shape that the specification allows, and their deletions."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.addressing.addresses import AddressRules
from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.customers import Customer
from resources.platforms.commercetools.customers.mapping import CustomerMapper
from resources.platforms.commercetools.settings import CommercetoolsSettings

Json = dict[str, Any]
UUID = "5f1d3c57-8f4c-4b63-9d0a-4f6a3f0c1a07"
ADDRESS: Json = {
    "id": "a1", "firstName": "Adalheid", "lastName": "Brightwater", "streetName": "Kingfisher Row",
    "streetNumber": "12", "city": "Austin", "state": "TX", "postalCode": "78701", "country": "US",
    "phone": "+1 512-555-0142",
}  # fmt: skip
CUSTOMER: Json = {
    "id": UUID, "version": 3, "customerNumber": "K-7", "email": "ada@example.org",
    "firstName": "Adalheid", "lastName": "Brightwater", "companyName": "Kilns", "locale": "de-AT",
    "customerGroup": {"typeId": "customer-group", "id": "g1"}, "stores": [],
    "addresses": [ADDRESS, {**ADDRESS, "id": "a2", "city": "Waco"}],
    "defaultShippingAddressId": "a2", "defaultBillingAddressId": "a1",
}  # fmt: skip


def mapper(**settings: Any) -> CustomerMapper:
    """Return the mapping of one project."""
    given = {
        "project_key": "lab",
        "region": "europe-west1.gcp",
        "client_id": "x",
        "client_secret": {"env": "SECRET"},
        **settings,
    }
    return CustomerMapper(CommercetoolsSettings.model_validate(given), AddressRules())


def mapped(document: Json) -> Customer:
    """Map a document that has to be accepted."""
    found = mapper().to_customer(orjson.dumps(document))
    assert isinstance(found, Mapped)
    return found.record


def test_a_customer_keeps_number_language_and_default_addresses() -> None:
    """The house number is where the country writes it."""
    found = mapped(CUSTOMER)
    assert (found.source_id, found.number, found.locale) == (UUID, "K-7", "de-AT")
    assert (found.company, found.group) == ("Kilns", "g1")
    first, second = found.addresses
    assert (first.address.line_1, first.address.subdivision) == ("12 Kingfisher Row", "US-TX")
    assert (first.is_default_billing, first.is_default_shipping) == (True, False)
    assert (second.is_default_billing, second.is_default_shipping) == (False, True)


def test_a_bare_customer_is_a_customer() -> None:
    """Its number is then its id."""
    found = mapped({"id": UUID, "email": "x@example.org"})
    assert (found.number, found.addresses) == (UUID, ())


def test_the_message_of_a_deletion_is_a_customer_that_is_gone() -> None:
    """Nothing of the message but whom it is about is kept."""
    message = {
        "id": "m1",
        "type": "CustomerDeleted",
        "email": "ada@example.org",
        "resource": {"typeId": "customer", "id": UUID},
        "createdAt": "2026-03-04T00:00:00.000Z",
    }
    found = mapped(message)
    assert (found.source_id, found.is_gone, found.email) == (UUID, True, "")


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"id": None}, {"id": "id_missing"}),
        ({"email": []}, {"email": "malformed_value"}),
        ({"addresses": [{"city": "Austin"}]}, {"addresses[0].id": "customer_address_id_missing"}),
        ({"companyName": "x" * 2_000}, {"companyName": "malformed_value"}),
        (
            {"addresses": [{"id": "a", "streetName": "y" * 2_000}]},
            {"addresses[0].streetName": "malformed_value"},
        ),
        ({"addresses": [{"id": "\u0007"}]}, {"address_id": "invalid_value"}),
    ],
)
def test_a_value_of_another_form_is_a_rejection_with_its_path(changes: Json, wanted: Json) -> None:
    """All of them at once."""
    with pytest.raises(RecordRejected) as rejected:
        mapper().to_customer(orjson.dumps({**CUSTOMER, **changes}))
    assert {problem.field: problem.code for problem in rejected.value.problems} == wanted


@pytest.mark.parametrize(
    ("keys", "is_skipped"), [(["eu"], True), (["eu", "us"], False), ([], False)]
)
def test_a_customer_of_other_stores_is_skipped(keys: list[str], is_skipped: bool) -> None:
    """Where the connection serves one store; without stores, a customer may use all."""
    stores = [{"typeId": "store", "key": key} for key in keys]
    found = mapper(store_key="us").to_customer(orjson.dumps({**CUSTOMER, "stores": stores}))
    assert isinstance(found, Skipped) is is_skipped


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "CustomerEmailChanged"},
        {"type": None},
        {"type": {}},
        {"resource": None},
        {"resource": {"typeId": "customer"}},
    ],
)
def test_a_message_that_names_no_deleted_customer_is_no_customer(changes: Json) -> None:
    """Under the message's id it would be created at the OMS."""
    message = {
        "id": UUID,
        "sequenceNumber": 1,
        "type": "CustomerDeleted",
        "email": "ada@example.org",
        "resource": {"typeId": "customer", "id": UUID},
        **changes,
    }
    with pytest.raises(RecordRejected) as caught:
        mapper().to_customer(orjson.dumps(message))
    assert "type" in {problem.field for problem in caught.value.problems}
