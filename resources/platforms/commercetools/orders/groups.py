"""Where the units of an order's lines go: fulfilment groups by shipping method and address. Pure.

An order of the mode Single has one way of shipping, to its address or to those that its lines name;
one of the mode Multiple has several, each with an address. A line whose units go to several groups
becomes several lines: ``{line id}~{group id}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from msgspec import structs

from domain.addressing.addresses import (
    LONGEST_BILLING_PART,
    AddressResult,
    AddressRules,
    RawAddress,
    fitted,
    normalise_address,
)
from domain.addressing.addresses import Address as CanonicalAddress
from domain.errors import Problem
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.text import clean_name
from domain.records.orders import DeliveryMethod, FulfilmentGroup
from resources.platforms.commercetools.base_payload import Address
from resources.platforms.commercetools.orders.texts import field_of
from resources.platforms.commercetools.payload import LineItem, Order, ShippingInfo

MAIN, DIGITAL = "shipping", "digital"
ADDRESS_GROUP = "address-"
SPLIT = "~"
"""Between a line's id and its group: neither ids nor keys hold it."""
NUMBER_FIRST = frozenset({"US", "CA", "GB", "IE", "AU", "NZ", "FR", "ZA", "IN", "SG", "HK"})
"""Countries that write the house number before the street."""
NAMES = {
    "street_1": "streetName",
    "street_2": "additionalStreetInfo",
    "zip": "postalCode",
    "country_iso2": "country",
}
"""Field of an address's problem -> the vendor's name of it, if it differs."""
REMEMBERED = 4096
NO_ADDRESS = Address()


class Part(NamedTuple):
    """A fulfilment group in the order's document."""

    group_id: str
    where: str
    """Path of what holds its shipping info."""
    info: ShippingInfo | None = None
    address: Address | None = None
    address_path: str = ""


def parts_of(order: Order) -> dict[str, Part]:
    """Return the groups that an order's units may go to; none if nothing is shipped."""
    if order.shipping_mode == "Multiple":
        return {
            entry.shipping_key: Part(
                entry.shipping_key,
                f"shipping[{i}].",
                entry.shipping_info,
                entry.shipping_address,
                f"shipping[{i}].shippingAddress.",
            )
            for i, entry in enumerate(order.shipping or ())
            if entry is not None and entry.shipping_key
        }
    if order.shipping_info is None and order.shipping_address is None:
        return {}
    info = order.shipping_info
    found = {MAIN: Part(MAIN, "", info, order.shipping_address, "shippingAddress.")}
    for i, address in enumerate(order.item_shipping_addresses or ()):
        if address is not None and address.key:
            group_id = f"{ADDRESS_GROUP}{address.key}"
            path = f"itemShippingAddresses[{i}]."
            found[group_id] = Part(group_id, "", info, address, path)
    return found


def places_of(
    line: LineItem, order: Order, parts: Mapping[str, Part], digital_types: tuple[str, ...]
) -> dict[str, int] | None:
    """Return group -> units of a line; ``None`` if a target is not a group of the order."""
    quantity = line.quantity or 0
    product_type = line.product_type.id if line.product_type is not None else None
    if not parts or (digital_types and product_type in digital_types):
        return {DIGITAL: quantity}
    main = MAIN if MAIN in parts else next(iter(parts)) if len(parts) == 1 else None
    details = line.shipping_details
    if details is None or not details.targets:
        return {main: quantity} if main is not None and quantity > 0 else None
    targets = [target for target in details.targets if target is not None]
    places: dict[str, int] = {}
    for target in targets:
        group = _group_of(target.shipping_method_key, target.address_key, order, parts) or main
        if group is None:
            return None
        places[group] = places.get(group, 0) + (target.quantity or 0)
    rest = quantity - sum(places.values())
    if rest and main is not None:
        places[main] = places.get(main, 0) + rest
    elif rest or not places:
        return None
    return places if min(places.values()) > 0 else None


def _group_of(
    method: str | None, address: str | None, order: Order, parts: Mapping[str, Part]
) -> str | None:
    if method in parts:
        return method
    if f"{ADDRESS_GROUP}{address}" in parts:
        return f"{ADDRESS_GROUP}{address}"
    if address is None or order.shipping_mode != "Multiple":
        return None
    found = [
        p.group_id for p in parts.values() if p.address is not None and p.address.key == address
    ]
    return found[0] if len(found) == 1 else None


def line_ids(line_id: str, places: Mapping[str, int]) -> dict[str, str]:
    """Return group -> id of the line that stands for the units which go there."""
    if len(places) == 1:
        return dict.fromkeys(places, line_id)
    return {group: f"{line_id}{SPLIT}{group}" for group in places}


class GroupMapper:
    """Maps groups, and addresses by one connection's rules."""

    def __init__(
        self, rules: AddressRules, pickup_methods: tuple[str, ...], location_field: str | None
    ) -> None:
        """``location_field``: the order's custom field that names the location of a pick-up."""
        self._location_field = location_field
        self._pickup = frozenset(method.casefold() for method in pickup_methods)
        self._rules = rules
        self._known: dict[tuple[object, ...], AddressResult] = {}
        """Most orders ship to their billing address, and customers come back."""

    def to_group(
        self, part: Part, order: Order, problems: DocumentProblems
    ) -> tuple[FulfilmentGroup, str]:
        """Map a group that has lines, and return the path of its method or location."""
        method = clean_name((part.info.shipping_method_name if part.info else None) or "")
        path = f"{part.where}shippingInfo.shippingMethodName"
        if self._pickup and method.casefold() in self._pickup:
            location = field_of(order.custom, self._location_field)
            if not location and order.store is not None:
                location = order.store.key or ""
            group = FulfilmentGroup(
                group_id=part.group_id, method=DeliveryMethod.PICKUP, location=location
            )
            return group, path
        address = self._address(
            part.address or NO_ADDRESS, part.address_path, order, problems, is_billing=False
        )
        group = FulfilmentGroup(
            group_id=part.group_id,
            method=DeliveryMethod.SHIP,
            source_shipping_method=method,
            address=address,
        )
        return group, path

    def _normalised(self, raw: Address, email: str, written: RawAddress) -> AddressResult:
        """Return an address in its normal form, and remember it unless it may be too long."""
        result = normalise_address(written, self._rules)
        if len("".join(structs.astuple(written))) < LONGEST_BILLING_PART:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[structs.astuple(raw), email] = result
        return result

    def to_digital(self, order: Order, problems: DocumentProblems) -> tuple[FulfilmentGroup, str]:
        """Return the group of what is not shipped: it goes by e-mail."""
        email = (order.customer_email or "").strip()
        if not email:
            message = "the order is not shipped and has no e-mail address to send anything to"
            advice = "enter the shopper's e-mail address in the store"
            problems.warn("email_missing", "customerEmail", message, advice)
        group = FulfilmentGroup(
            group_id=DIGITAL, method=DeliveryMethod.EMAIL, recipient_email=email
        )
        return group, "customerEmail"

    def to_billing(self, order: Order, problems: DocumentProblems) -> CanonicalAddress:
        """Normalise the billing address: nothing goes there, so its faults are warnings."""
        raw, where = order.billing_address, "billingAddress."
        if raw is None:
            raw, where = order.shipping_address or NO_ADDRESS, "shippingAddress."
        return self._address(raw, where, order, problems, is_billing=True)

    def _address(
        self,
        raw: Address,
        where: str,
        order: Order,
        problems: DocumentProblems,
        *,
        is_billing: bool,
    ) -> CanonicalAddress:
        """Normalise an address, and report what is wrong with it under its path."""
        faults = problems.warnings if is_billing else problems.problems
        email = "" if raw.email else order.customer_email or ""
        result = self._known.get((structs.astuple(raw), email))
        if result is None:
            written, long = fitted(written_address(raw, email), is_billing=is_billing)
            faults += [_under(where, problem) for problem in long]
            result = self._normalised(raw, email, written)
        if result.problems:
            faults += [_under(where, problem) for problem in result.problems]
        if result.warnings:
            problems.warnings += [_under(where, warning) for warning in result.warnings]
        return result.address


def written_address(raw: Address, email: str = "") -> RawAddress:
    """Return an address in the form that is normalised; ``email`` if it has none of its own."""
    street, number = (raw.street_name or "").strip(), (raw.street_number or "").strip()
    country = (raw.country or "").strip()
    # The vendor keeps the house number apart, and carriers want the line as the country writes it.
    parts = (number, street) if country.upper() in NUMBER_FIRST else (street, number)
    more = (
        raw.additional_street_info,
        raw.building,
        raw.apartment,
        raw.p_o_box,
        raw.additional_address_info,
        raw.department,
    )
    lines = [text.strip() for text in more if text and text.strip()]
    first = " ".join(part for part in parts if part)
    if not first and lines:
        first = lines.pop(0)
    return RawAddress(
        raw.first_name or "",
        raw.last_name or "",
        raw.company or "",
        first,
        ", ".join(lines),
        raw.city or "",
        raw.state or raw.region or "",
        raw.postal_code or "",
        country,
        "",
        raw.phone or raw.mobile or "",
        raw.email or email,
    )


def _under(where: str, problem: Problem) -> Problem:
    field = NAMES.get(problem.field, problem.field)
    return replace(problem, field=f"{where}{field}")


def unplaced(where: str, line: LineItem) -> Problem:
    """Return the problem of a line whose targets are not groups of the order."""
    path = f"{where}shippingDetails.targets"
    message = f"the {line.quantity} units of the line go to no shipping method or address of it"
    return Problem("consignment_unknown", path, message, LOOK, line.id or "")
