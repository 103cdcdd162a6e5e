"""The header of a listed order: the few fields that capturing needs, read without the rest.

Typed as loosely as they may come: an order with bad values is still captured, and rejected with its
reason when it is mapped.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from domain.scalars import to_amount, to_moment

HIGHEST_ID = 2**63 - 1
"""Ids are 32-bit integers today; beyond 64 bits it is none, and could not be asked for."""


class Item(msgspec.Struct):
    """An included line."""

    quantity: Any = None
    applied_discounts: Any = None


class Consignment(msgspec.Struct):
    """A consignment with its included lines."""

    line_items: list[Item] | Item | None = None


class Email(msgspec.Struct):
    """Consignments of gift certificates."""

    gift_certificates: list[Consignment] = []


class Consignments(msgspec.Struct):
    """All consignments of an order."""

    shipping: list[Consignment] = []
    pickups: list[Consignment] = []
    downloads: list[Consignment] = []
    email: Email | None = None


class Head(msgspec.Struct):
    """What capturing needs of an order."""

    id: Any = None
    date_modified: Any = None
    status_id: Any = None
    payment_status: Any = None
    items_total: Any = None
    coupon_discount: Any = None
    consignments: Consignments | None = None

    def items(self) -> list[Item]:
        """Return all included lines."""
        if self.consignments is None:
            return []
        c = self.consignments
        found: list[Item] = []
        for consignment in [
            *c.shipping,
            *c.pickups,
            *c.downloads,
            *(c.email.gift_certificates if c.email else ()),
        ]:
            held = consignment.line_items
            found += held if isinstance(held, list) else [held] if held is not None else []
        return found

    def lacks_lines(self) -> bool:
        """Return whether lines of the order are missing among the included ones."""
        quantities = [item.quantity for item in self.items()]
        if not all(type(quantity) is int for quantity in quantities):
            return (
                None in quantities
            )  # links in place of lines; the mapping rejects other bad values
        return type(self.items_total) is int and sum(quantities) < self.items_total

    def lacks_codes(self) -> bool:
        """Return whether the order has a coupon's discount, and no line names the coupon."""
        amount = to_amount(str(self.coupon_discount))
        if not amount:
            return False
        held = [
            discount
            for item in self.items()
            if isinstance(item.applied_discounts, list)
            for discount in item.applied_discounts
        ]
        return not any(isinstance(discount, dict) and discount.get("code") for discount in held)


class _Loose(msgspec.Struct):
    id: Any = None
    date_modified: Any = None


_page = msgspec.json.Decoder(list[msgspec.Raw])
_head = msgspec.json.Decoder(Head)
_loose = msgspec.json.Decoder(_Loose)


def slices(body: bytes) -> list[msgspec.Raw]:
    """Return the exact bytes of each record of a page. Raises ``ValueError`` if it is no list."""
    return _page.decode(body) if body.strip() else []


def head_of(raw: msgspec.Raw) -> tuple[int | None, datetime | None, Head | None]:
    """Return an order's id, its modification time and the rest, each as far as it can be read.

    An id that is none (no whole number above 0) is ``None``: such an order is captured under a
    makeshift id, and rejected when mapped.
    """
    head: Head | None = None
    try:
        head = _head.decode(raw)
        number, modified = head.id, head.date_modified
    except (ValueError, RecursionError):
        # Not even its consignments can be read: it is captured as it is, and the mapping reports
        # what is wrong.
        number, modified = _loosely(raw)
    known = number if type(number) is int and 0 < number <= HIGHEST_ID else None
    return known, to_moment(modified) if isinstance(modified, str) else None, head


def _loosely(raw: msgspec.Raw) -> tuple[Any, Any]:
    try:
        loose = _loose.decode(raw)
    except (ValueError, RecursionError):
        return None, None
    return loose.id, loose.date_modified
