"""Return orders: what the org refuses of one, and what it shows of them.

Source: object reference (ReturnOrder, ReturnOrderLineItem). What the vendor leaves open is decided
as follows: a settled return order takes no lines and no changes of them, its lines belong to items
of its order summary, and no more units are returned than received, or received than expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.kit.truth import TrueReturn
from sandbox.platforms.salesforce.replies import RowRefused

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.book import Book

Json = dict[str, Any]
ORDER, LINE = "ReturnOrder", "ReturnOrderLineItem"
ACTIVATED, SETTLED = ("Submitted", "Approved"), ("Closed", "Canceled")
STATUSES = ("Draft", *ACTIVATED, *SETTLED)
FIXED = ("ReturnOrderId", "OrderItemSummaryId")
QUANTITIES = ("QuantityExpected", "QuantityReceived", "QuantityReturned", "QuantityRejected")


def check(book: Book, name: str, values: Json, before: Json | None) -> None:
    """Refuse a return order or a line that the org would not take."""
    if name == ORDER:
        _check_order(book, values, before)
    elif name == LINE:
        _check_line(book, values, before)


def _check_order(book: Book, values: Json, before: Json | None) -> None:
    status = values.get("Status", ACTIVATED[0])
    if status not in STATUSES:
        message = f"bad value for restricted picklist field: {status}"
        raise RowRefused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, "Status")
    if before is not None:
        return
    if status not in ACTIVATED:
        message = "A return order is created with an activated status."
        raise RowRefused("FIELD_INTEGRITY_EXCEPTION", message, "Status")
    summary = book.get("OrderSummary", values.get("OrderSummaryId") or "")
    if summary is not None and values.get("AccountId") not in (None, summary["AccountId"]):
        message = "The return order's account is not the order summary's."
        raise RowRefused("FIELD_INTEGRITY_EXCEPTION", message, "AccountId")


def _check_line(book: Book, values: Json, before: Json | None) -> None:
    if before is not None and (fixed := [name for name in FIXED if name in values]):
        message = f"Unable to create/update fields: {fixed[0]}."
        raise RowRefused("INVALID_FIELD_FOR_INSERT_UPDATE", message, fixed[0])
    whole = (before or {}) | values
    parent = book.get(ORDER, whole.get("ReturnOrderId") or "")
    if parent is None:
        raise RowRefused("REQUIRED_FIELD_MISSING", "Required fields are missing: [ReturnOrderId]")
    if parent["Status"] in SETTLED:
        message = f"The return order is {parent['Status']}, so its lines can't change."
        raise RowRefused("FIELD_INTEGRITY_EXCEPTION", message, "ReturnOrderId")
    if not whole.get("Product2Id"):
        message = "Fill out one of AssetId, OrderItemId, Product2Id, ProductItemId."
        raise RowRefused("FIELD_INTEGRITY_EXCEPTION", message, "Product2Id")
    item = book.get("OrderItemSummary", whole.get("OrderItemSummaryId") or "")
    if item is not None and item["OrderSummaryId"] != parent["OrderSummaryId"]:
        message = "The order product summary is of another order summary."
        raise RowRefused("FIELD_INTEGRITY_EXCEPTION", message, "OrderItemSummaryId")
    numbers = [_number(whole.get(name), name) for name in QUANTITIES]
    expected, received, returned, rejected = numbers
    if received > expected or returned + rejected > received:
        message = "More units are returned than received, or received than expected."
        raise RowRefused("FIELD_INTEGRITY_EXCEPTION", message, "QuantityReturned")


def _number(value: Any, name: str) -> float:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RowRefused("JSON_PARSER_ERROR", f"{name} is not a number", name)
    if value < 0:
        raise RowRefused("NUMBER_OUTSIDE_VALID_RANGE", f"{name} is negative", name)
    return value


def true_returns(book: Book) -> list[TrueReturn]:
    """Return the return orders neutrally: units that came back, and those that are taken back."""
    return [
        {
            "id": row["Id"],
            "order": row["OrderSummaryId"],
            "lines": _lines(book, row, "QuantityReceived"),
            "confirmed": _lines(book, row, "QuantityReturned"),
        }
        for row in book.rows(ORDER)
        if row["Status"] != SETTLED[1]
    ]


def _lines(book: Book, row: Json, name: str) -> Any:
    return [
        {
            "line": line["OrderItemSummaryId"],
            "sku": (book.get("Product2", line["Product2Id"]) or {}).get("StockKeepingUnit", ""),
            "quantity": int(line[name]),
        }
        for line in book.children(LINE, "ReturnOrderId", row["Id"])
        if line[name]
    ]
