"""Changes to an order document, by ``PUT /v2/orders/{id}`` or by the merchant (control)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.platforms.bigcommerce import dates, documents, header, lines, money
from sandbox.platforms.bigcommerce.shapes import check_shapes
from sandbox.platforms.bigcommerce.statuses import NAMES

Json = dict[str, Any]


def amend(document: Json, change: Json, ids: documents.Ids, clear_discounts: bool) -> None:
    """Merge a change into a document: header fields, addresses and lines by id, fees as a whole.

    A line's new quantity changes the order's totals by the difference; quantity 0 removes the line;
    a line without an id is added. Raises ValueError naming what is wrong; the document must then be
    discarded.
    """
    check_shapes(change)
    order = document["order"]
    for key, value in change.items():
        if key == "products":
            _amend_lines(document, value, ids, clear_discounts)
        elif key == "shipping_addresses":
            _amend_addresses(document, value)
        elif key == "billing_address":
            order[key] |= value
        elif key == "fees":
            document["fees"] = _fees(document["fees"], value, ids)
        elif key in header.HEADER_MONEY:
            order[key] = money.to_money(value)
        elif key.startswith("date_") and value and dates.parse_or_none(str(value)) is None:
            raise ValueError(f"The field '{key}' is invalid.")
        elif key.startswith("date_") and value:
            order[key] = dates.to_rfc2822(int(dates.to_epoch(str(value))))
        elif key in header.HEADER:
            order[key] = "" if value is None and isinstance(header.HEADER[key], str) else value
        else:
            raise ValueError(f"The field '{key}' is invalid.")
    if order["status_id"] not in NAMES:
        raise ValueError("The field 'status_id' is invalid.")
    order["status"] = order["custom_status"] = NAMES[order["status_id"]]
    documents.recount(document)


def _amend_addresses(document: Json, changes: list[Json]) -> None:
    known = {address["id"]: address for address in document["shipping_addresses"]}
    for change in changes:
        if change.get("id") not in known:
            raise ValueError("The field 'shipping_addresses.id' is invalid.")
        known[change["id"]] |= change


def _fees(old: list[Json], given: list[Json], ids: documents.Ids) -> list[Json]:
    known = {fee["id"]: fee for fee in old}
    fees = []
    for entry in given:
        fee = documents.complete_fee(known.get(entry.get("id", 0), {}) | entry)
        fees.append(fee | {"id": ids.take("fee", entry.get("id"))})
    return fees


def _amend_lines(
    document: Json, changes: list[Json], ids: documents.Ids, clear_discounts: bool
) -> None:
    order = document["order"]
    inclusive = order["is_tax_inclusive_pricing"]
    before = _sums(document)
    known = {line["id"]: line for line in document["products"]}
    for change in changes:
        if not change.get("id"):
            document["products"].append(documents.complete_line_of(document, change, ids))
        elif change["id"] not in known:
            raise ValueError("The field 'products.id' is invalid.")
        else:
            _amend_line(known[change["id"]], change, inclusive, clear_discounts)
    document["products"] = [line for line in document["products"] if line["quantity"] > 0]
    for key, after in _sums(document).items():
        moved = after - before[key]
        for total in (f"subtotal_{key}", f"total_{key}"):
            order[total] = money.to_money(money.to_decimal(order[total]) + moved)


def _amend_line(line: Json, change: Json, inclusive: bool, clear_discounts: bool) -> None:
    unknown = set(change) - set(lines.LINE)
    if unknown:
        raise ValueError(f"The field 'products.{min(unknown)}' is invalid.")
    line |= {
        key: money.to_money(value) if key in lines.LINE_MONEY else value
        for key, value in change.items()
    }
    if clear_discounts:
        line["applied_discounts"] = []
    lines.requantify(line, int(line["quantity"]), inclusive)


def _sums(document: Json) -> dict[str, Decimal]:
    return {
        key: sum(
            (money.to_decimal(line[f"total_{key}"]) for line in document["products"]), Decimal(0)
        )
        for key in ("ex_tax", "inc_tax", "tax")
    }
