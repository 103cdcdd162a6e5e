"""commercetools' customers: exactly the fields that Lockstep reads, in the vendor's names.

Source: openapi.yaml (``Customer``, ``BaseAddress``, ``CustomerDeletedMessage``).
"""

from __future__ import annotations

from domain.builders.customers import REPORT
from domain.parsing.payload import PayloadAdvice, PayloadDecoder, Scalar
from resources.platforms.commercetools.base_payload import Address, Camel, Reference, Text

DELETED = "CustomerDeleted"


class CustomerAddress(Address):
    """An address of a customer's address book."""

    id: Text = None


class CapturedCustomer(Camel):
    """A customer; or the message that it was deleted.

    Only a message has a ``type``, a ``resource`` and a ``sequence_number``.
    """

    id: Text = None
    customer_number: Text = None
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    company_name: Text = None
    locale: Text = None
    customer_group: Reference | None = None
    default_shipping_address_id: Text = None
    default_billing_address_id: Text = None
    addresses: list[CustomerAddress | None] | None = None
    stores: list[Reference | None] | None = None
    type: Text = None
    resource: Reference | None = None
    sequence_number: Scalar = None
    created_at: Text = None


CUSTOMERS = PayloadDecoder(
    CapturedCustomer,
    "a customer",
    PayloadAdvice(unreadable="replay the day of the customer's last change", malformed=REPORT),
)
