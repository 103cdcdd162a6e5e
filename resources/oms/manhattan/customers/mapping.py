"""A customer as the body of ``customer/save``, and the change between two such bodies. Pure.

The contract names ``CustomerId`` and ``IsActive`` only (oms.md, section 1.11). All else is our
assumption, and in this module and ``settings.ManhattanNames`` alone: the attributes, that a save
changes only those that it names, that addresses merge by ``AddressId``, and that null clears.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from domain.errors import Problem, RecordRejected
from domain.records.customers import Customer, CustomerAddress
from resources.oms.manhattan.addresses import to_address
from resources.oms.manhattan.orders.diff import VERIFIED
from resources.oms.manhattan.orders.mapping import SAFE_ID
from resources.oms.manhattan.parsing import folded, objects_of
from resources.oms.manhattan.settings import ManhattanSettings

Json: TypeAlias = dict[str, object]
JsonView: TypeAlias = Mapping[str, object]
ID, ACTIVE, ADDRESSES, ADDRESS_ID, ADDRESS = (
    "CustomerId",
    "IsActive",
    "CustomerAddress",
    "AddressId",
    "Address",
)
CONSTANT = frozenset({ID, "OrgId"})
"""Attributes that address a customer, and never change."""


class CustomerMapper:
    """Maps customers by one tenant's settings."""

    def __init__(self, settings: ManhattanSettings) -> None:
        self._organization, self._names = settings.organization, settings.names

    def payload(self, customer: Customer) -> Json:
        """Return the body of ``save``; attributes without a value are absent.

        Raises ``RecordRejected`` for an id with URL-special characters.
        """
        if not SAFE_ID.fullmatch(customer.customer_id):
            text = "The id contains characters with a special meaning in URLs."
            advice = "Choose an orders.order_id_prefix of letters, digits, - and _."
            raise RecordRejected(
                Problem("customer_id_unsafe", ID, text, advice, customer.customer_id)
            )
        keys: Json = {ID: customer.customer_id, "OrgId": self._organization}
        if customer.is_gone:
            return {**keys, ACTIVE: False}
        names = self._names
        values: Json = {
            "FirstName": customer.first_name,
            "LastName": customer.last_name,
            "Email": customer.email,
            "Phone": customer.phone_e164 or customer.phone_raw,
        }
        for name, value in (
            (names.customer_company, customer.company),
            (names.customer_group, customer.group),
            (names.customer_locale, customer.locale),
            (names.customer_consent, customer.accepts_marketing),
        ):
            if name is not None:
                values[name] = value
        result = {**keys, ACTIVE: True, **_given(values)}
        if customer.addresses:
            result[ADDRESSES] = [self._address(one) for one in customer.addresses]
        return result

    def _address(self, given: CustomerAddress) -> Json:
        address = _given(to_address(given.address, self._names.company))
        result: Json = {ADDRESS_ID: given.address_id, ACTIVE: True, ADDRESS: address}
        if given.is_default_shipping:
            result["IsDefaultShipping"] = True
        if given.is_default_billing:
            result["IsDefaultBilling"] = True
        return result


def customer_change(known: JsonView, wanted: JsonView, *, whole: bool = False) -> Json | None:
    """Return the save that turns ``known`` into ``wanted``, or ``None`` if nothing differs.

    ``whole`` repeats what has not changed as well: all of ``wanted``, and the removals.
    """
    change: Json = {}
    for name in [*wanted, *(known.keys() - wanted.keys())]:
        if name in CONSTANT or name == ADDRESSES:
            continue
        if known.get(name) != wanted.get(name) or (whole and name in wanted):
            change[name] = wanted.get(name)
    before = _by_id(objects_of(known.get(ADDRESSES)))
    entries: list[Json] = []
    for entry in objects_of(wanted.get(ADDRESSES)):
        old = before.pop(entry[ADDRESS_ID], None)
        if old is None or old != entry or whole:
            entries.append(_merged(old or {}, entry))
    entries += [_removed(old) for old in before.values()]
    if entries:
        change[ADDRESSES] = entries
    if not change:
        return None
    return {**{name: wanted[name] for name in sorted(CONSTANT & wanted.keys())}, **change}


def held_content(document: JsonView, candidates: Iterable[JsonView]) -> Json:
    """Return what a tenant's customer holds, in the form of ``payload``.

    Only attributes and addresses that one of the ``candidates`` has are ours; what the tenant's
    staff has added stays theirs. Raises ``TypeError`` for a customer of another shape.
    """
    names: set[str] = set()
    ids: set[object] = set()
    inner: set[str] = set()
    for candidate in candidates:
        names |= candidate.keys()
        for entry in objects_of(candidate.get(ADDRESSES)):
            ids.add(entry[ADDRESS_ID])
            inner |= _address_of(entry).keys()
    held = _given({name: document.get(name) for name in names - {ADDRESSES}})
    entries = [
        _given(
            {
                **{name: value for name, value in entry.items() if name.startswith("IsDefault")},
                ADDRESS_ID: entry[ADDRESS_ID],
                ACTIVE: True,
                ADDRESS: _given({name: _address_of(entry).get(name) for name in inner}),
            }
        )
        for entry in objects_of(document.get(ADDRESSES))
        if entry.get(ADDRESS_ID) in ids and entry.get(ACTIVE) is not False
    ]
    return {**held, ADDRESSES: entries} if entries else held


def differences(held: JsonView, wanted: JsonView) -> list[str]:
    """Return which attributes differ, and which addresses, by their ids.

    Text in another case, with other spacing or punctuation, is no difference, and neither are the
    street and the city of an address, which a tenant rewrites when it verifies one.
    """
    names = sorted((held.keys() | wanted.keys()) - {ADDRESSES})
    found = [name for name in names if folded(held.get(name)) != folded(wanted.get(name))]
    before, after = (_by_id(objects_of(one.get(ADDRESSES))) for one in (held, wanted))
    for address_id in sorted(map(str, before.keys() | after.keys())):
        one, other = before.get(address_id), after.get(address_id)
        if one is None or other is None or _differ(_address_of(one), _address_of(other)):
            found.append(f"{ADDRESSES}[{address_id}]")
    return found


def _differ(one: JsonView, other: JsonView) -> bool:
    names = (one.keys() | other.keys()) - VERIFIED
    return any(folded(one.get(name)) != folded(other.get(name)) for name in names)


def _given(values: JsonView) -> Json:
    """Return the values without those that are absent; an empty text is none."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _by_id(entries: Iterable[JsonView]) -> dict[object, JsonView]:
    return {entry[ADDRESS_ID]: entry for entry in entries}


def _address_of(entry: JsonView) -> JsonView:
    address = entry.get(ADDRESS)
    if address is not None and not isinstance(address, dict):
        raise TypeError("not an object")
    return address or {}


def _merged(before: JsonView, entry: JsonView) -> Json:
    """Return all of an address, with null for what it loses.

    So replacing the old one and merging into it have the same result.
    """
    address = {**dict.fromkeys(_address_of(before)), **_address_of(entry)}
    return {**dict.fromkeys(before), **entry, ADDRESS: address}


def _removed(before: JsonView) -> Json:
    """Return what is sent for an address that the store has removed: its person is taken out."""
    flags: Json = dict.fromkeys(name for name in before if name.startswith("IsDefault"))
    return {
        ADDRESS_ID: before[ADDRESS_ID],
        **flags,
        ACTIVE: False,
        ADDRESS: dict.fromkeys(_address_of(before)),
    }
