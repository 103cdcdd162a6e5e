"""Consignments to fulfilment groups with their lines and addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

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
from domain.parsing.problems import DocumentProblems
from domain.parsing.text import clean_name, mask_email
from domain.records.orders import DeliveryMethod, FulfilmentGroup
from resources.platforms.bigcommerce.orders.lines import PlacedLine
from resources.platforms.bigcommerce.orders.texts import form_texts
from resources.platforms.bigcommerce.payload import (
    Address,
    Consignment,
    Digital,
    Line,
    Order,
    Pickup,
)

DIGITAL, CERTIFICATES = "digital", "gift-certificates"
GROUPS_BY_TYPE = {"digital": DIGITAL, "giftcertificate": CERTIFICATES}
ADDRESS_FIELDS = (
    "first_name", "last_name", "company", "street_1", "street_2", "city",
    "state", "zip", "country_iso2", "country", "phone", "email",
)  # fmt: skip
"""In the order of ``RawAddress``'s fields."""
NAMES = dict(zip(RawAddress.__struct_fields__, ADDRESS_FIELDS, strict=True))
REMEMBERED = 4096
_address_values = attrgetter(*ADDRESS_FIELDS)


class Part(msgspec.Struct):
    """A consignment with its path; ``group_id`` is the store's order address of shipped lines."""

    group_id: str
    where: str
    method: DeliveryMethod
    raw: Consignment
    lines: list[PlacedLine] = []
    links: int = 0
    """Lines that are only linked to, since they were not included."""


def parts_of(order: Order, problems: DocumentProblems) -> list[Part]:
    """Return all consignments of an order in the order of the payload."""
    holder = order.consignments
    if holder is None or holder.shipping is UNSET:
        message = "the order was captured without its consignments"
        advice = "capture the order again: replay the day of its last change"
        problems.reject("consignments_missing", "consignments", message, advice)
        return []
    parts = [
        _part(str(shipping.id or 0), f"consignments.shipping[{i}].", DeliveryMethod.SHIP, shipping)
        for i, shipping in enumerate(holder.shipping or ())
        if shipping is not None
    ]
    if holder.pickups:
        parts += [
            _part(
                f"pickup-{pickup.id or 0}",
                f"consignments.pickups[{i}].",
                DeliveryMethod.PICKUP,
                pickup,
            )
            for i, pickup in enumerate(holder.pickups)
            if pickup is not None
        ]
    if holder.downloads:
        parts += _emailed(DIGITAL, "consignments.downloads", holder.downloads)
    if holder.email is not None and holder.email.gift_certificates:
        path = "consignments.email.gift_certificates"
        parts += _emailed(CERTIFICATES, path, holder.email.gift_certificates)
    return parts


def lines_of(order: Order) -> Iterator[Line]:
    """Yield the lines that are included in an order's consignments."""
    if (held := order.consignments) is None:
        return
    certificates = held.email.gift_certificates if held.email is not None else None
    shipping = held.shipping if held.shipping is not UNSET else None
    for found in (shipping, held.pickups, held.downloads, certificates):
        for consignment in found or ():
            items = consignment.line_items if consignment is not None else None
            for line in [items] if isinstance(items, Line) else items or ():
                if line is not None:
                    yield line


def _emailed(name: str, path: str, found: list[Digital | None]) -> list[Part]:
    return [
        _part(name if i == 0 else f"{name}-{i}", f"{path}[{i}].", DeliveryMethod.EMAIL, digital)
        for i, digital in enumerate(found)
        if digital is not None
    ]


def _part(group_id: str, where: str, method: DeliveryMethod, raw: Consignment) -> Part:
    lines: list[PlacedLine] = []
    items, links = raw.line_items, 0
    for i, line in enumerate([items] if isinstance(items, Line) else items or ()):
        if line is None:
            continue
        if line.id is None and line.resource is not None:
            links += 1
        else:
            lines.append((line, f"{where}line_items[{i}].", group_id))
    return Part(group_id, where, method, raw, lines, links)


def place_products(
    products: list[Line | None], parts: list[Part], problems: DocumentProblems
) -> Iterator[PlacedLine]:
    """Place lines that were fetched apart by their address, pick-up or type."""
    known = {part.group_id: part.group_id for part in parts}
    for part in parts:
        if isinstance(part.raw, Pickup):
            known.setdefault(f"pickup-{part.raw.pickup_method_id}", part.group_id)
    for i, line in enumerate(products):
        if line is None:
            continue
        where, pickup = f"products[{i}].", line.order_pickup_method_id
        group_id = GROUPS_BY_TYPE.get(str(line.type)) or (
            f"pickup-{pickup}" if pickup else str(line.order_address_id)
        )
        if group_id not in known:
            path, message = f"{where}order_address_id", "the line belongs to no consignment"
            advice = "check the order's addresses in the store"
            problems.reject("consignment_unknown", path, message, advice, group_id)
        yield line, where, known.get(group_id, group_id)


class GroupMapper:
    """Maps consignments, and addresses by one connection's rules."""

    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        self._known: dict[tuple[str, ...], AddressResult] = {}
        """Values -> result: most orders ship to their billing address, and customers come back."""

    def to_group(
        self, part: Part, shopper: str, problems: DocumentProblems
    ) -> tuple[FulfilmentGroup, str]:
        """Map a consignment that has lines, and return the path of its method or location.

        ``shopper`` is the shopper's e-mail address, for what names no recipient of its own.
        """
        raw, where = part.raw, part.where
        if isinstance(raw, Digital):
            email = _recipient(raw.recipient_email or shopper, where, problems)
            group = FulfilmentGroup(
                group_id=part.group_id, method=DeliveryMethod.EMAIL, recipient_email=email
            )
            return group, where
        if isinstance(raw, Pickup):
            code = (raw.location.code or "").strip() if raw.location is not None else ""
            group = FulfilmentGroup(
                group_id=part.group_id, method=DeliveryMethod.PICKUP, location=code
            )
            return group, f"{where}location.code"
        if part.group_id == "0":
            problems.missing("address_id_missing", f"{where}id", "the shipping address has no id")
        group = FulfilmentGroup(
            group_id=part.group_id,
            method=DeliveryMethod.SHIP,
            source_shipping_method=clean_name(raw.shipping_method or ""),
            address=self._address(raw, where, problems, is_billing=False),
            texts=form_texts(raw.form_fields, f"{where}form_fields", problems)
            if raw.form_fields
            else (),
        )
        return group, f"{where}shipping_method"

    def to_billing(self, raw: Address, where: str, problems: DocumentProblems) -> CanonicalAddress:
        """Normalise a billing address: nothing goes there, so its faults are warnings."""
        return self._address(raw, where, problems, is_billing=True)

    def _address(
        self, raw: Address, where: str, problems: DocumentProblems, *, is_billing: bool
    ) -> CanonicalAddress:
        """Normalise an address, and report what is wrong with it under its path."""
        faults = problems.warnings if is_billing else problems.problems
        values = _address_values(raw)
        try:
            length = len("".join(values))
        except TypeError:  # a part is null
            values = tuple([value or "" for value in values])
            length = len("".join(values))
        if length > LONGEST_BILLING_PART:
            written, long = fitted(RawAddress(*values), is_billing=is_billing)
            faults += [replace(one, field=f"{where}{NAMES[one.field]}") for one in long]
            values = astuple(written)
        result = self._known.get(values) or self._normalised(values)
        if result.problems:
            faults += [_under(where, problem) for problem in result.problems]
        if result.warnings:
            problems.warnings += [_under(where, warning) for warning in result.warnings]
        return result.address

    def _normalised(self, values: tuple[str, ...]) -> AddressResult:
        result = normalise_address(RawAddress(*values), self._rules)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[values] = result
        return result


def _recipient(written: str, where: str, problems: DocumentProblems) -> str:
    """Return where to send what goes by e-mail: it needs this address, and nothing else."""
    email, path = written.strip(), f"{where}recipient_email"
    if not email:
        message = "what goes by e-mail has no recipient, and the order no e-mail address"
        advice = "enter the shopper's e-mail address in the store"
        problems.reject("email_missing", path, message, advice)
    elif "@" not in email:
        message, advice = "this isn't an e-mail address", "correct the e-mail address in the store"
        problems.reject("email_invalid", path, message, advice, mask_email(email))
    return email


def _under(where: str, problem: Problem) -> Problem:
    return replace(problem, field=f"{where}{problem.field}")


def missing_units(order: Order, placed: list[PlacedLine]) -> int:
    """Return how many units the order has beyond those of its included lines."""
    missing = order.items_total
    if type(missing) is not int:
        return 0
    for line, _, _ in placed:
        if type(line.quantity) is not int:
            return 0
        missing -= line.quantity
    return max(0, missing)
