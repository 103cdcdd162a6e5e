"""Consignments -> fulfilment groups with their raw lines and costs. Pure.

``downloads[].line_items`` is a list in the specification's schema and a single object in its examples: both are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

from domain.addressing.addresses import AddressResult, AddressRules, RawAddress, normalise_address
from domain.connections import OrdersPolicy
from domain.errors import Problem
from domain.records.orders import DeliveryMethod
from domain.text import clean_text
from resources.platforms.bigcommerce.orders.lines import Place
from resources.platforms.bigcommerce.parsing import Findings, mapping, number_id, sequence, text

DIGITAL, CERTIFICATES = "digital", "gift-certificates"
ADDRESS_KEYS = (
    "first_name",
    "last_name",
    "company",
    "street_1",
    "street_2",
    "city",
    "state",
    "zip",
    "country_iso2",
    "country",
    "phone",
    "email",
)
"""In the order of ``RawAddress``'s fields."""
LONGEST_ADDRESS, LONGEST_PART = 2_000, 1_000
"""Characters of a whole address, and of one of its parts: addresses are remembered, and no parcel's label holds more."""
ONLY_TEXT = {str}
_address_values = itemgetter(*ADDRESS_KEYS)


@dataclass(slots=True)
class Consignment:
    """One consignment as it came, with its path; ``group_id`` is the store's order address for what is shipped."""

    group_id: str
    where: str
    method: DeliveryMethod
    raw: Mapping[str, Any]
    items: list[tuple[Mapping[str, Any], str]] = field(default_factory=list)
    links: int = 0
    """Lines that are only linked to, since they were not included."""


def consignments_of(order: Mapping[str, Any], findings: Findings) -> list[Consignment]:
    """Return all consignments of an order in the order of the payload."""
    holder = order.get("consignments")
    if not isinstance(holder, dict) or "shipping" not in holder:
        message = "the order was captured without its consignments"
        findings.reject(
            "consignments_missing",
            "consignments",
            message,
            "capture the order again: replay the day of its last change",
        )
        return []
    found = []
    for i, raw in enumerate(sequence(holder.get("shipping"), "consignments.shipping", findings)):
        found.append(
            _consignment(raw, f"consignments.shipping[{i}].", DeliveryMethod.SHIP, "", findings)
        )
    for i, raw in enumerate(sequence(holder.get("pickups"), "consignments.pickups", findings)):
        found.append(
            _consignment(
                raw, f"consignments.pickups[{i}].", DeliveryMethod.PICKUP, "pickup-", findings
            )
        )
    for i, raw in enumerate(sequence(holder.get("downloads"), "consignments.downloads", findings)):
        found.append(
            _consignment(
                raw,
                f"consignments.downloads[{i}].",
                DeliveryMethod.EMAIL,
                DIGITAL if i == 0 else f"{DIGITAL}-{i}",
                findings,
            )
        )
    email = mapping(holder.get("email"), "consignments.email", findings)
    for i, raw in enumerate(
        sequence(email.get("gift_certificates"), "consignments.email.gift_certificates", findings)
    ):
        group_id = CERTIFICATES if i == 0 else f"{CERTIFICATES}-{i}"
        found.append(
            _consignment(
                raw,
                f"consignments.email.gift_certificates[{i}].",
                DeliveryMethod.EMAIL,
                group_id,
                findings,
            )
        )
    return found


def _consignment(
    value: object, where: str, method: DeliveryMethod, name: str, findings: Findings
) -> Consignment:
    raw = mapping(value, where[:-1], findings)
    if method is not DeliveryMethod.EMAIL:
        name += str(number_id(raw, "id", where, findings) or 0)
    consignment = Consignment(name, where, method, raw)
    for i, item in enumerate(sequence(raw.get("line_items"), f"{where}line_items", findings)):
        path = f"{where}line_items[{i}]."
        line = mapping(item, path[:-1], findings)
        if "resource" in line and "id" not in line:
            consignment.links += 1
        elif line:
            consignment.items.append((line, path))
    return consignment


def placed_lines(consignments: list[Consignment]) -> Iterator[tuple[Mapping[str, Any], Place]]:
    """Iterate over the included lines with their places."""
    for consignment in consignments:
        for raw, where in consignment.items:
            yield raw, Place(where, consignment.group_id)


def place_products(
    products: list[Any], consignments: list[Consignment], findings: Findings
) -> Iterator[tuple[Mapping[str, Any], Place]]:
    """Iterate over lines that were fetched apart, with the group that their address, pick-up or type names."""
    known = {c.group_id: c.group_id for c in consignments}
    for c in consignments:
        if c.method is DeliveryMethod.PICKUP:
            known.setdefault(f"pickup-{c.raw.get('pickup_method_id')}", c.group_id)
    for i, value in enumerate(products):
        where = f"products[{i}]."
        raw = mapping(value, where[:-1], findings)
        by_type = {"digital": DIGITAL, "giftcertificate": CERTIFICATES}.get(str(raw.get("type")))
        pickup = raw.get("order_pickup_method_id")
        group_id = by_type or (f"pickup-{pickup}" if pickup else str(raw.get("order_address_id")))
        if group_id not in known:
            message = "the line belongs to no consignment of the order"
            findings.reject(
                "consignment_unknown",
                f"{where}order_address_id",
                message,
                "look at the order's addresses in the store",
                group_id,
            )
        yield raw, Place(where, known.get(group_id, group_id))


class GroupMapper:
    """Maps consignments by one connection's rules."""

    def __init__(self, policy: OrdersPolicy, rules: AddressRules) -> None:
        self._shipping = {_key(name): code for name, code in policy.shipping_methods.items()}
        self._default, self._locations = policy.default_shipping_method, policy.pickup_locations
        # Most orders ship to their billing address, and customers come back.
        self._normalised = lru_cache(maxsize=4096)(
            lambda *values: normalise_address(RawAddress(*values), rules)
        )

    def to_group(self, consignment: Consignment, findings: Findings) -> dict[str, Any]:
        """Map one consignment that has lines to the values of its fulfilment group."""
        raw, where = consignment.raw, consignment.where
        if consignment.method is DeliveryMethod.EMAIL:
            email = text(raw, "recipient_email", where, findings).strip()
            return {
                "group_id": consignment.group_id,
                "method": DeliveryMethod.EMAIL,
                "recipient_email": email,
            }
        if consignment.method is DeliveryMethod.PICKUP:
            return self._pickup(consignment, findings)
        if consignment.group_id == "0":
            findings.reject(
                "address_id_missing",
                f"{where}id",
                "the shipping address has no id",
                "look at the order in the store",
            )
        method = clean_text(text(raw, "shipping_method", where, findings))
        return {
            "group_id": consignment.group_id,
            "method": DeliveryMethod.SHIP,
            "shipping_method": self._shipping_method(method, where, findings),
            "source_shipping_method": method,
            "address": self.to_address(raw, where, findings).address,
        }

    def to_address(self, raw: Mapping[str, Any], where: str, findings: Findings) -> AddressResult:
        """Normalise an address, and note what is wrong with it under its path."""
        try:
            values = _address_values(raw)
        except KeyError:
            values = tuple([raw.get(key) or "" for key in ADDRESS_KEYS])
        if set(map(type, values)) != ONLY_TEXT:
            values = tuple([text(raw, key, where, findings) for key in ADDRESS_KEYS])
        if sum(map(len, values)) > LONGEST_ADDRESS:
            for key, value in zip(ADDRESS_KEYS, values, strict=True):
                if len(value) > LONGEST_PART:
                    findings.malformed(
                        f"{where}{key}", f"a text of at most {LONGEST_PART} characters", value
                    )
            values = tuple([value[:LONGEST_PART] for value in values])
        result: AddressResult = self._normalised(*values)
        if result.problems:
            findings.problems += [_under(where, problem) for problem in result.problems]
        if result.warnings:
            findings.warnings += [_under(where, warning) for warning in result.warnings]
        return result

    def _pickup(self, consignment: Consignment, findings: Findings) -> dict[str, Any]:
        where = f"{consignment.where}location."
        location = mapping(consignment.raw.get("location"), where[:-1], findings)
        code = text(location, "code", where, findings).strip()
        mapped = self._locations.get(code)
        if mapped is None:
            message = "orders.pickup_locations has no OMS location for this pick-up location"
            findings.reject(
                "pickup_location_unknown",
                f"{where}code",
                message,
                "add the location's code to orders.pickup_locations",
                code,
            )
        return {
            "group_id": consignment.group_id,
            "method": DeliveryMethod.PICKUP,
            "location": mapped,
        }

    def _shipping_method(self, method: str, where: str, findings: Findings) -> str | None:
        code = self._shipping.get(_key(method), self._default)
        if code is None:
            message = "orders.shipping_methods has no OMS method for this shipping method"
            advice = (
                "add the method to orders.shipping_methods, or set orders.default_shipping_method"
            )
            findings.reject(
                "shipping_method_unknown", f"{where}shipping_method", message, advice, method
            )
        return code


def _key(method: str) -> str:
    return " ".join(method.split()).casefold()


def _under(where: str, problem: Problem) -> Problem:
    return Problem(
        problem.code, f"{where}{problem.field}", problem.message, problem.advice, problem.value
    )
