"""All fields that hold no personal data: of canonical records, and of every connector's documents.

One set, since what a name means does not depend on whose document it is in, and a ledger may hold
documents of a system that its connection has left.
"""

from __future__ import annotations

from functools import cache

import msgspec

from domain.addressing.addresses import Address
from domain.builders.actions import FACTS
from domain.personal import fields_of, is_personal
from domain.records import actions, customers, fulfilment, orders, returns
from domain.records.record import Record
from resources import oms, platforms

ENTERED = frozenset({"name", "text", "texts", "options", "gift_message", "email", "comment"})
"""Fields of canonical records that hold, or in earlier versions held, what a person has entered."""
NAMED = "lines.name charges.name taxes.name discounts.name"
"""Canonical names that are not a person's."""
PLACE = "country subdivision"


@cache
def fact_fields() -> frozenset[str]:
    """Return the plain names of all fields that hold facts."""
    found = fields_of(f"{NAMED} {PLACE} {' '.join((*_canonical(), *FACTS))}")
    for connector in platforms.REGISTRY.values():
        found |= connector.facts
    for connector_of_oms in oms.REGISTRY.values():
        found |= connector_of_oms.facts
    return found


def _canonical() -> set[str]:
    """Return the fields of all canonical records with no text of a person."""
    kinds = [
        kind
        for module in (orders, fulfilment, customers, returns, actions)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Record) and kind is not orders.Customer
    ]
    names = {field.name for kind in kinds for field in msgspec.structs.fields(kind)}
    names -= ENTERED | {field.name for field in msgspec.structs.fields(Address)}
    return {name for name in names if not is_personal(name)}
