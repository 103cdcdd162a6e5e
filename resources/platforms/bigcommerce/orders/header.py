"""The header of a listed order: the few fields that capturing needs, read without the rest.

Typed as loosely as they may come: an order with bad values is still captured, and rejected with its
reason when it is mapped.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from domain.parsing.payload import HIGHEST_ID, Document, Scalar
from domain.parsing.scalars import to_amount, to_moment
from resources.platforms.bigcommerce.payload import AppliedDiscount
from resources.platforms.bigcommerce.statuses import REFUNDED

NO_BYTES = msgspec.Raw(b"")
NO_DISCOUNT = "0.0000"
"""As the store writes it; other forms of zero are read."""


class ListedLine(Document):
    """An included line; its discounts are read only where they matter."""

    quantity: Scalar = None
    quantity_shipped: Scalar = None
    quantity_refunded: Scalar = None
    is_refunded: Scalar = None
    applied_discounts: msgspec.Raw = NO_BYTES


class ListedConsignment(Document):
    """A consignment with its included lines."""

    line_items: list[ListedLine] | ListedLine | None = None


class ListedEmail(Document):
    """Consignments of gift certificates."""

    gift_certificates: list[ListedConsignment] = []


class ListedConsignments(Document):
    """All consignments of an order."""

    shipping: list[ListedConsignment] = []
    pickups: list[ListedConsignment] = []
    downloads: list[ListedConsignment] = []
    email: ListedEmail | None = None


class ListedOrder(Document):
    """What capturing needs of an order."""

    id: Scalar = None
    date_modified: Scalar = None
    status_id: Scalar = None
    payment_status: Scalar = None
    items_total: Scalar = None
    coupon_discount: Scalar = None
    consignments: ListedConsignments | None = None

    def lines(self) -> Iterator[ListedLine]:
        """Yield all included lines."""
        if (held := self.consignments) is not None:
            certificates = held.email.gift_certificates if held.email else []
            for consignment in (*held.shipping, *held.pickups, *held.downloads, *certificates):
                items = consignment.line_items
                if isinstance(items, list):
                    yield from items
                elif items is not None:
                    yield items

    def lacks_lines(self) -> bool:
        """Return whether lines of the order are missing among the included ones."""
        units = 0
        for line in self.lines():
            if line.quantity is None:  # a link instead of a line
                return True
            if type(line.quantity) is not int:
                return False  # the mapping rejects other bad values
            units += line.quantity
        return type(self.items_total) is int and units < self.items_total

    def has_refunds(self) -> bool:
        """Return whether units may be refunded that the store does not show as shipped."""
        everything = self.status_id == REFUNDED
        return self.lacks_lines() or any(
            (everything or line.quantity_refunded or line.is_refunded is True)
            and line.quantity_shipped != line.quantity
            for line in self.lines()
        )

    def lacks_codes(self) -> bool:
        """Return whether the order has a coupon's discount, and no line names the coupon."""
        if not self.coupon_discount or self.coupon_discount == NO_DISCOUNT:
            return False
        if not to_amount(str(self.coupon_discount)):
            return False
        return not any(_names_coupon(line.applied_discounts) for line in self.lines())


class _Minimal(Document):
    id: Scalar = None
    date_modified: Scalar = None


_page = msgspec.json.Decoder(list[msgspec.Raw])
_header = msgspec.json.Decoder(ListedOrder)
_minimal = msgspec.json.Decoder(_Minimal)
_discounts = msgspec.json.Decoder(list[AppliedDiscount | None])


def slices(body: bytes) -> list[msgspec.Raw]:
    """Return the exact bytes of each record of a page; ``ValueError`` if it is not a list."""
    return _page.decode(body) if body.strip() else []


def header_of(raw: msgspec.Raw) -> tuple[int | None, datetime | None, ListedOrder | None]:
    """Return an order's id, its modification time and its header, each as far as it can be read.

    An id that is not a whole number above 0 is ``None``: such an order is captured under a fallback
    id, and rejected when mapped.
    """
    header: ListedOrder | None = None
    try:
        header = _header.decode(raw)
        number, modified = header.id, header.date_modified
    except (ValueError, RecursionError):
        # Not even its consignments can be read: it is captured as it is, and the mapping reports
        # what is wrong.
        number, modified = _id_and_time(raw)
    known = number if type(number) is int and 0 < number <= HIGHEST_ID else None
    return known, to_moment(modified) if isinstance(modified, str) else None, header


def _id_and_time(raw: msgspec.Raw) -> tuple[Scalar, Scalar]:
    try:
        minimal = _minimal.decode(raw)
    except (ValueError, RecursionError):
        return None, None
    return minimal.id, minimal.date_modified


def _names_coupon(discounts: msgspec.Raw) -> bool:
    try:
        found = _discounts.decode(discounts) if bytes(discounts) else []
    except (ValueError, RecursionError):
        return False
    return any(discount is not None and discount.code for discount in found)
