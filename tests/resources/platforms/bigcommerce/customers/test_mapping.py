"""Customers of every shape that the specification allows, and of shapes that it does not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.addressing.addresses import AddressRules
from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.customers import Customer
from resources.platforms.bigcommerce.customers.mapping import CustomerMapper
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from tests.assets.customers import address, customer

Json = dict[str, Any]


def mapper(**settings: Any) -> CustomerMapper:
    """Return the mapping of one store."""
    given = {"store_hash": "abc", "token": {"env": "TOKEN"}} | settings
    return CustomerMapper(BigCommerceSettings.model_validate(given), AddressRules())


def mapped(document: Any, **settings: Any) -> Mapped[Customer]:
    """Map a document that has to be accepted."""
    found = mapper(**settings).to_customer(orjson.dumps(document))
    assert isinstance(found, Mapped)
    return found


def codes(document: Any) -> dict[str, str]:
    """Return path and code of each problem of a document that has to be rejected."""
    with pytest.raises(RecordRejected) as rejected:
        mapper().to_customer(orjson.dumps(document))
    return {problem.field: problem.code for problem in rejected.value.problems}


def test_a_customer_keeps_what_the_oms_needs() -> None:
    """Names and texts cleaned, phones in E.164, states by their ISO codes."""
    document = customer(
        7,
        first_name="  Adalheid ",
        customer_group_id=3,
        accepts_product_review_abandoned_cart_emails=True,
    )
    found = mapped(document).record
    assert (found.source_id, found.number, found.store) == ("7", "7", "abc")
    assert (found.first_name, found.email, found.group) == ("Adalheid", "ada7@example.org", "3")
    assert (found.phone_e164, found.accepts_marketing) == ("+15125550142", True)
    [one] = found.addresses
    assert (one.address_id, one.address.subdivision, one.address.country) == ("70", "US-TX", "US")


@pytest.mark.parametrize(
    "changes",
    [
        {"addresses": None},
        {"addresses": []},
        {"company": None, "phone": None, "last_name": ""},
        {"channel_ids": None},
        {"notes": "anything", "attributes": [{"attribute_id": 1}]},
    ],
)
def test_optional_fields_may_be_absent(changes: Json) -> None:
    """The specification requires none of them."""
    assert mapped(customer(7) | changes).record.source_id == "7"


def test_a_bare_customer_is_a_customer() -> None:
    """An e-mail address is all that it takes."""
    found = mapped({"id": 7, "email": "x@example.org"})
    assert found.record == Customer(
        customer_id="7", source_id="7", number="7", store="abc", email="x@example.org"
    )
    assert found.warnings == ()


def test_all_addresses_of_a_long_list_are_mapped() -> None:
    """They are captured beside the customer, whose own list is cut."""
    document = {"customer": customer(7), "addresses": [address(n) for n in range(1, 13)]}
    assert [one.address_id for one in mapped(document).record.addresses] == [
        str(number) for number in range(1, 13)
    ]


def test_a_faulty_address_or_phone_is_a_warning() -> None:
    """Nothing is shipped to an address book; the paths are the document's, the values masked."""
    faulty = address(70, country_code="", country="Narnia", phone="12", postal_code="")
    found = mapped(customer(7, phone="call me", email="no address", addresses=[faulty]))
    warned = {warning.field: warning.code for warning in found.warnings}
    assert warned == {
        "email": "email_invalid",
        "phone": "phone_invalid",
        "addresses[0].country_code": "country_unknown",
        "addresses[0].phone": "phone_invalid",
    }
    assert found.record.phone_raw == "call me"
    assert "call" not in str(found.warnings)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"id": None}, {"id": "id_missing"}),
        ({"id": "x"}, {"id": "malformed_value"}),
        ({"email": {"a": 1}}, {"email": "malformed_value"}),
        ({"first_name": "x" * 2_000}, {"first_name": "malformed_value"}),
        ({"addresses": [{"city": "Austin"}]}, {"addresses[0].id": "customer_address_id_missing"}),
        ({"addresses": ["x"]}, {"addresses[0]": "malformed_value"}),
        (
            {"addresses": [{"id": 1, "address1": "y" * 2_000}]},
            {"addresses[0].address1": "malformed_value"},
        ),
        ({"addresses": 5, "company": []}, {
            "addresses": "malformed_value", "company": "malformed_value"
        }),
    ],
)  # fmt: skip
def test_a_value_of_another_form_is_a_rejection_with_its_path(changes: Json, wanted: Json) -> None:
    """All of them at once."""
    assert codes(customer(7) | changes) == wanted


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'"text"', b"null"])
def test_what_is_no_customer_is_a_rejection(payload: bytes) -> None:
    """Not a crash."""
    with pytest.raises(RecordRejected):
        mapper().to_customer(payload)


@pytest.mark.parametrize(
    ("channels", "is_skipped"), [([1, 2], True), ([2, 5], False), ([], False), (None, False)]
)
def test_a_customer_of_other_channels_is_skipped(channels: Any, is_skipped: bool) -> None:
    """Where the connection serves one channel; without a list, a customer may use all."""
    payload = orjson.dumps(customer(7, channel_ids=channels))
    found = mapper(channel_id=5).to_customer(payload)
    assert isinstance(found, Skipped) is is_skipped
    assert isinstance(mapper().to_customer(payload), Mapped)
