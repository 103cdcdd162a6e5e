"""Captured customers to canonical ones. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from domain.addressing.addresses import AddressRules, RawAddress
from domain.builders.customers import (
    CustomerBuilder,
    WrittenAddress,
    WrittenCustomer,
    known_id,
    required_id,
)
from domain.errors import Problem
from domain.exchange import Mapped, Skipped
from domain.parsing.problems import DocumentProblems
from domain.records.customers import Customer
from resources.platforms.bigcommerce.customers import payload as documents
from resources.platforms.bigcommerce.customers.payload import CAPTURED_CUSTOMERS
from resources.platforms.bigcommerce.settings import BigCommerceSettings

NAMES = {
    "group": "customer_group_id",
    "street_1": "address1",
    "street_2": "address2",
    "state": "state_or_province",
    "zip": "postal_code",
    "postcode": "postal_code",
    "country_iso2": "country_code",
    "country_name": "country",
}


class CustomerMapper:
    """Maps captured customers of one store or channel."""

    def __init__(self, settings: BigCommerceSettings, rules: AddressRules) -> None:
        self._settings, self._builder = settings, CustomerBuilder(rules, NAMES)

    def to_customer(self, payload: bytes) -> Mapped[Customer] | Skipped:
        """Map one capture. Raises ``RecordRejected`` with all problems."""
        decoded = CAPTURED_CUSTOMERS.decode(payload)
        document = decoded.document
        if document.id is not None or document.customer is None:
            customer: documents.Customer = document
            addresses = document.addresses
        else:
            customer, addresses = document.customer, document.addresses
        problems = DocumentProblems(tuple(map(_relative, decoded.problems)))
        number = required_id(customer.id, problems)
        if (skipped := self._skipped(customer, problems)) is not None:
            return skipped
        written = WrittenCustomer(
            source_id=number,
            number=number,
            store=self._settings.store_hash,
            email=customer.email or "",
            first_name=customer.first_name or "",
            last_name=customer.last_name or "",
            company=customer.company or "",
            phone=customer.phone or "",
            group=str(customer.customer_group_id or ""),
            accepts_marketing=customer.accepts_product_review_abandoned_cart_emails,
            addresses=list(_addresses(addresses or (), problems)),
        )
        return self._builder.build(written, problems)

    def _skipped(self, customer: documents.Customer, problems: DocumentProblems) -> Skipped | None:
        """Skip a customer who can't log in to the connection's channel; without a list, all can."""
        ours, channels = self._settings.channel_id, customer.channel_ids
        is_decisive = any(problem.field.startswith("channel_ids") for problem in problems.problems)
        if ours is None or not channels or ours in channels or is_decisive:
            return None
        reason = f"the customer belongs to channels {_listed(channels)}, the connection to {ours}"
        return Skipped("other_channel", reason)


def _addresses(
    entries: Sequence[documents.Address | None], problems: DocumentProblems
) -> Iterator[WrittenAddress]:
    for place, entry in enumerate(entries):
        if entry is None:
            continue  # one of the problems
        where = f"addresses[{place}]."
        if not (address_id := known_id(entry.id, where, problems)):
            continue
        raw = RawAddress(
            entry.first_name or "",
            entry.last_name or "",
            entry.company or "",
            entry.address1 or "",
            entry.address2 or "",
            entry.city or "",
            entry.state_or_province or "",
            entry.postal_code or "",
            entry.country_code or "",
            entry.country or "",
            entry.phone or "",
        )
        yield WrittenAddress(where, address_id, raw)


def _relative(problem: Problem) -> Problem:
    return replace(problem, field=problem.field.removeprefix("customer."))


def _listed(channels: Sequence[int | None]) -> str:
    return ", ".join(str(channel) for channel in channels[:5])
