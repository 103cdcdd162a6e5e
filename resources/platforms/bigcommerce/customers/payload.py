"""BigCommerce's customers (customers.v3.yml): exactly the fields that Lockstep reads."""

from __future__ import annotations

from domain.builders.customers import REPORT
from domain.parsing.payload import Document, Id, PayloadAdvice, PayloadDecoder, Scalar


class Address(Document):
    """An address of a customer's address book."""

    id: Id = None
    customer_id: Id = None
    first_name: str | None = ""
    last_name: str | None = ""
    company: str | None = ""
    address1: str | None = ""
    address2: str | None = ""
    city: str | None = ""
    state_or_province: str | None = ""
    postal_code: str | None = ""
    country_code: str | None = ""
    country: str | None = ""
    phone: str | None = ""


class Customer(Document):
    """A customer as V3 lists it with its addresses, of which there are ten at most."""

    id: Id = None
    email: str | None = ""
    first_name: str | None = ""
    last_name: str | None = ""
    company: str | None = ""
    phone: str | None = ""
    customer_group_id: Id = None
    accepts_product_review_abandoned_cart_emails: bool | None = None
    channel_ids: list[Id] | None = None
    address_count: Scalar = None
    addresses: list[Address | None] | None = None


class CapturedCustomer(Customer):
    """A capture: a customer, or ``customer`` with all of its addresses, read beside it."""

    customer: Customer | None = None


CAPTURED_CUSTOMERS = PayloadDecoder(
    CapturedCustomer,
    "a customer",
    PayloadAdvice(
        unreadable="replay the day of the customer's last change",
        malformed=REPORT,
    ),
)
