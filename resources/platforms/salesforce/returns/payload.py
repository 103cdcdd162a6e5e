"""An order with its return orders as they are read before a write: exactly the fields used.

Source: object reference (ReturnOrder, ReturnOrderLineItem, Refund). UNVERIFIED: the name of the
relationship ``ReturnOrders`` of an order summary.
"""

from __future__ import annotations

import msgspec

from domain.parsing.payload import Document, PayloadDecoder, Scalar
from domain.parsing.scalars import WrittenAmount
from resources.platforms.salesforce.answers_payload import ANSWER_ADVICE
from resources.platforms.salesforce.payload import Pascal, Text
from resources.platforms.salesforce.settings import (
    KEY_FIELD,
    REFUNDED_FIELD,
    RETURN_FIELD,
    TRACKING_FIELD,
)


class ReturnLine(Pascal):
    """Units of one order item that come back."""

    id: Text = None
    key: Text = msgspec.field(name=KEY_FIELD, default=None)
    order_item_summary_id: Text = None
    description: Text = None
    quantity_expected: Scalar = None
    quantity_received: Scalar = None
    quantity_returned: Scalar = None
    refunded: Scalar = msgspec.field(name=REFUNDED_FIELD, default=None)


class ReturnLines(Document):
    """A list of lines; the vendor writes ``null`` for an empty one."""

    records: list[ReturnLine | None] | None = None


class ReturnOrder(Pascal):
    """A return of an order; one without a key was made in the org."""

    id: Text = None
    key: Text = msgspec.field(name=KEY_FIELD, default=None)
    status: Text = None
    number: Text = msgspec.field(name=RETURN_FIELD, default=None)
    tracking: Text = msgspec.field(name=TRACKING_FIELD, default=None)
    return_order_line_items: ReturnLines | None = None


class ReturnOrders(Document):
    """A list of return orders."""

    records: list[ReturnOrder | None] | None = None


class Item(Pascal):
    """An order item summary."""

    id: Text = None
    product2_id: Text = None


class Items(Document):
    """A list of items."""

    records: list[Item | None] | None = None


class ReturnedOrder(Pascal):
    """An order summary with its items and return orders."""

    id: Text = None
    account_id: Text = None
    order_life_cycle_type: Text = None
    currency_iso_code: Text = None
    order_item_summaries: Items | None = None
    return_orders: ReturnOrders | None = None


class Refund(Pascal):
    """Money that was given back by one of an order's payments."""

    id: Text = None
    amount: WrittenAmount = None
    status: Text = None


RETURNED_ORDERS = PayloadDecoder(ReturnedOrder, "an order summary", ANSWER_ADVICE)
REFUNDS = PayloadDecoder(Refund, "a refund", ANSWER_ADVICE)
