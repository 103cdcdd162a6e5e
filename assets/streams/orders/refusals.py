"""Why an order is not sent to the OMS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from domain.errors import Problem

REOPENED = Problem(
    "reopened_after_cancel",
    "status",
    "The OMS has canceled the order, which is final there, but the store has reopened it.",
    "Place it again in the store, or cancel it there too and refund the customer.",
)

MOST_SKUS = 5
"""SKUs whose units a message states; the others are counted."""
Units = Mapping[str, Decimal]
Content = Mapping[str, object]

NOT_CHANGEABLE = "order_not_changeable"
"""The code of a change of an order that the OMS takes only once."""


def not_changeable(
    change: Content, held: Content, wanted: Content, units: Callable[[Content], Units]
) -> Problem:
    """Return why a change can't be sent to an OMS that takes orders only once.

    The units by SKU say what the warehouse would ship too much of, or too little.
    """
    names = ", ".join(_changed_fields(change, held))
    return Problem(
        NOT_CHANGEABLE,
        names,
        "The OMS has the order and does not accept changes; the store's order now differs in "
        f"{names}.{_changed_units(units(held), units(wanted))}",
        "Change it at the OMS by hand and discard the rejection, or cancel the order in the store "
        "and place it again.",
    )


def taken_back(
    change: Content, seen: Content | None, wanted: Content, units: Callable[[Content], Units]
) -> Problem:
    """Return why an order that is as it was sent again may differ at the OMS.

    ``seen`` is the version whose change was discarded, ``change`` what takes it back; ``None``: it
    could not be sent, so it can't be compared.
    """
    names, differs = "record", "that version can't be compared, since it could not be sent."
    if seen is not None:
        names = ", ".join(_changed_fields(change, seen))
        more = _changed_units(units(seen), units(wanted))
        differs = f"the order differs from that in {names}.{more}"
    return Problem(
        NOT_CHANGEABLE,
        names,
        "The store's order is again as the OMS got it. A change of it was discarded meanwhile, and "
        f"may have been made at the OMS by hand: {differs}",
        "If the change was made at the OMS, undo it there by hand; then discard the rejection.",
    )


def by_former_rules(change: Mapping[str, object], held: Mapping[str, object]) -> Problem:
    """Return the warning of an order that was sent by other rules, and has not changed since."""
    names = ", ".join(_changed_fields(change, held))
    return Problem(
        "sent_by_former_rules",
        names,
        "The order has not changed in the store. Under the current settings or version, the "
        f"OMS would get a different {names}, but it accepts no changes.",
        "Nothing if the settings are for new orders only; else change it at the OMS by hand.",
    )


def _changed_units(at_oms: Units, in_store: Units) -> str:
    none = Decimal(0)
    texts = [
        f"{sku} {in_store.get(sku, none):f} instead of {at_oms.get(sku, none):f}"
        for sku in sorted({*at_oms, *in_store})
        if at_oms.get(sku, none) != in_store.get(sku, none)
    ]
    if not texts:
        return ""
    more = f", and {len(texts) - MOST_SKUS} more SKUs" if len(texts) > MOST_SKUS else ""
    return f" Units: {', '.join(texts[:MOST_SKUS])}{more}."


def _changed_fields(change: Mapping[str, object], held: Mapping[str, object]) -> list[str]:
    """Return the fields of a change, without those that only say which order it is."""
    names: list[str] = []
    for name, value in change.items():
        if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
            names += [f"{name}.{inner}" for entry in value for inner in entry]
        elif value != held.get(name):
            names.append(name)
    return list(dict.fromkeys(names))
