"""Fulfilment groups and addresses of an order. Pure.

A delivery group has one address and one delivery method, whose name says whether its items are
shipped, picked up or sent by e-mail.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from domain.addressing.addresses import (
    LONGEST_PART,
    AddressResult,
    AddressRules,
    RawAddress,
    fitted,
    normalise_address,
)
from domain.addressing.addresses import Address as CanonicalAddress
from domain.errors import Problem
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.text import clean_text
from domain.records.orders import DeliveryMethod, FulfilmentGroup
from resources.platforms.salesforce.payload import Group, Order
from resources.platforms.salesforce.settings import SalesforceSettings

GROUP = {
    "first_name": "DeliverToName", "last_name": "DeliverToName", "street_1": "DeliverToStreet",
    "street_2": "DeliverToStreet", "city": "DeliverToCity", "state": "DeliverToState",
    "zip": "DeliverToPostalCode", "postcode": "DeliverToPostalCode",
    "country_iso2": "DeliverToCountry", "country_code": "DeliverToCountry",
    "country_name": "DeliverToCountry", "country": "DeliverToCountry",
    "phone": "PhoneNumber", "email": "EmailAddress",
}  # fmt: skip
"""Field of an address's problem -> the vendor's name of it."""
BILLING = {name: written.replace("DeliverTo", "Billing") for name, written in GROUP.items()} | {
    "first_name": "BillToContact.FirstName",
    "last_name": "BillToContact.LastName",
    "phone": "BillingPhoneNumber",
    "email": "BillingEmailAddress",
}
REMEMBERED = 4096
NO_GROUP = Group()


class Entry(NamedTuple):
    """A delivery group of the order's document."""

    group_id: str
    where: str
    group: Group = NO_GROUP


def entries_of(order: Order) -> dict[str, Entry]:
    """Return the delivery groups by id."""
    found = order.order_delivery_group_summaries
    return {
        group.id: Entry(group.id, f"OrderDeliveryGroupSummaries.records[{place}].", group)
        for place, group in enumerate((found.records if found is not None else None) or ())
        if group is not None and group.id
    }


def method_of(group: Group) -> str:
    """Return the name of a group's delivery method."""
    method = group.order_delivery_method
    return clean_text((method.name if method is not None else None) or "")


class GroupMapper:
    """Maps groups, and addresses by one connection's rules."""

    def __init__(self, rules: AddressRules, settings: SalesforceSettings) -> None:
        self._pickup = frozenset(name.casefold() for name in settings.pickup_methods)
        self._digital = frozenset(name.casefold() for name in settings.digital_methods)
        # Most orders ship to their billing address, and customers come back.
        self._normalised = lru_cache(maxsize=REMEMBERED)(lambda raw: normalise_address(raw, rules))

    def is_digital(self, group: Group) -> bool:
        """Return whether a group's items are sent by e-mail."""
        return method_of(group).casefold() in self._digital

    def to_group(
        self, entry: Entry, order: Order, problems: DocumentProblems
    ) -> tuple[FulfilmentGroup, str]:
        """Map a group that has lines, and return the path of its method or location."""
        group, method = entry.group, method_of(entry.group)
        path = f"{entry.where}OrderDeliveryMethod.Name"
        if method.casefold() in self._pickup:
            location = clean_text(group.pickup_location or "")
            mapped = FulfilmentGroup(
                group_id=entry.group_id, method=DeliveryMethod.PICKUP, location=location
            )
            return mapped, path
        if self.is_digital(group):
            return self._digital_group(entry, order, problems), f"{entry.where}EmailAddress"
        written = written_address(group, order)
        address = self._address(written, entry.where, GROUP, problems, is_billing=False)
        texts = [clean_text(group.delivery_instructions or "")]
        mapped = FulfilmentGroup(
            group_id=entry.group_id,
            method=DeliveryMethod.SHIP,
            source_shipping_method=method,
            address=address,
            texts=tuple(text for text in texts if text),
        )
        return mapped, path

    @staticmethod
    def _digital_group(entry: Entry, order: Order, problems: DocumentProblems) -> FulfilmentGroup:
        email = (entry.group.email_address or order.billing_email_address or "").strip()
        if not email:
            message = "the group is not shipped and has no e-mail address to send anything to"
            advice = "enter the shopper's e-mail address in the store"
            problems.warn("email_missing", f"{entry.where}EmailAddress", message, advice)
        return FulfilmentGroup(
            group_id=entry.group_id, method=DeliveryMethod.EMAIL, recipient_email=email
        )

    def to_billing(self, order: Order, problems: DocumentProblems) -> CanonicalAddress:
        """Normalise the billing address: nothing goes there, so its faults are warnings."""
        contact = order.bill_to_contact
        first, last = split_name((order.account.name if order.account is not None else None) or "")
        if contact is not None and (contact.first_name or contact.last_name):
            first, last = contact.first_name or "", contact.last_name or ""
        email = order.billing_email_address or (contact.email if contact is not None else None)
        written = _raw(
            first,
            last,
            order.billing_street,
            order.billing_city,
            order.billing_state,
            order.billing_postal_code,
            order.billing_country,
            order.billing_phone_number,
            email,
        )
        return self._address(written, "", BILLING, problems, is_billing=True)

    def _address(
        self,
        written: RawAddress,
        where: str,
        names: dict[str, str],
        problems: DocumentProblems,
        *,
        is_billing: bool,
    ) -> CanonicalAddress:
        """Normalise an address, and report what is wrong with it under its path."""
        faults = problems.warnings if is_billing else problems.problems
        written, long = fitted(written, is_billing=is_billing)
        faults += [_under(where, names, problem) for problem in long]
        result: AddressResult = self._normalised(written)
        faults += [_under(where, names, problem) for problem in result.problems]
        problems.warnings += [_under(where, names, warning) for warning in result.warnings]
        return result.address


def written_address(group: Group, order: Order) -> RawAddress:
    """Return a group's address in the form that is normalised."""
    first, last = split_name(group.deliver_to_name or "")
    return _raw(
        first,
        last,
        group.deliver_to_street,
        group.deliver_to_city,
        group.deliver_to_state,
        group.deliver_to_postal_code,
        group.deliver_to_country,
        group.phone_number or order.billing_phone_number,
        group.email_address or order.billing_email_address,
    )


def split_name(name: str) -> tuple[str, str]:
    """Return first and last name of a full one; the vendor's field holds both."""
    first, _, last = clean_text(name[: LONGEST_PART + 1]).rpartition(" ")
    return first, last


def street_lines(street: str | None) -> tuple[str, str]:
    """Return the two lines of a street, which is one text of several lines at the vendor."""
    lines = [line.strip() for line in (street or "").splitlines() if line.strip()]
    return (lines[0] if lines else "", ", ".join(lines[1:]))


def raw_country(country: str | None) -> tuple[str, str]:
    """Return code and name: an org writes either, by whether it has state and country lists."""
    text = (country or "").strip()
    return (text, "") if len(text) == 2 else ("", text)


def _raw(
    first: str,
    last: str,
    street: str | None,
    city: str | None,
    state: str | None,
    postcode: str | None,
    country: str | None,
    phone: str | None,
    email: str | None,
) -> RawAddress:
    line_1, line_2 = street_lines(street)
    code, name = raw_country(country)
    return RawAddress(
        first,
        last,
        "",
        line_1,
        line_2,
        city or "",
        state or "",
        postcode or "",
        code,
        name,
        phone or "",
        (email or "").strip(),
    )


def _under(where: str, names: dict[str, str], problem: Problem) -> Problem:
    return replace(problem, field=f"{where}{names.get(problem.field, problem.field)}")


def unplaced(where: str, line_id: str) -> Problem:
    """Return the problem of an item whose group is none of the order's."""
    message = "the item belongs to no delivery group of its order"
    path = f"{where}OrderDeliveryGroupSummaryId"
    return Problem("consignment_unknown", path, message, LOOK, line_id)
