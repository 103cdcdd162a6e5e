"""What the tenant really holds, for tests that prove "no duplicate, nothing lost"."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from sandbox.oms.manhattan.book import OrderRecord
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.stock import as_decimal, as_number
from sandbox.oms.manhattan.totals import money_text, order_total
from sandbox.system import Response

Json = dict[str, Any]


def counts_of(state: State) -> Json:
    """Count requests by endpoint family, and effects.

    More than one order with the same AlternateOrderId is a duplicate delivery.
    """
    alternates = Counter(
        record.alternate_id for record in state.book.records.values() if record.alternate_id
    )
    return {
        "requests": {
            name.removeprefix("request."): n
            for name, n in sorted(state.counts.items())
            if name.startswith("request.")
        },
        "saves": state.counts["saves"],
        "creates": state.counts["creates"],
        "cancels": state.counts["cancels"],
        "refused": state.counts["refused"],
        "unauthorized": state.counts["unauthorized"],
        "url_special_order_ids": state.counts["url_special_order_ids"],
        "customer_creates": state.counts["customer.creates"],
        "customer_saves": state.counts["customer.saves"],
        "item_creates": state.counts["item.creates"],
        "item_updates": state.counts["item.updates"],
        "orders": len(state.book.records),
        "duplicate_alternate_ids": sorted(
            alternate for alternate, n in alternates.items() if n > 1
        ),
    }


def effects_of(state: State) -> Response:
    """List every order as NDJSON, in order of creation."""
    body = b"".join(
        orjson.dumps(effect_of(record), option=orjson.OPT_APPEND_NEWLINE)
        for record in state.book.records.values()
    )
    return Response(200, body, {"Content-Type": "application/x-ndjson"})


def effect_of(record: OrderRecord) -> Json:
    """Summarise one order: money as decimal text, current quantities beside the ordered ones."""
    order = record.load()
    return {
        "OrderId": record.order_id,
        "AlternateOrderId": record.alternate_id,
        "creates": record.creates,
        "saves": record.saves,
        "min_status": record.min_status,
        "max_status": record.max_status,
        "total": money_text(order_total(order)),
        "saved_total": record.saved_total,
        "currency": order.get("CurrencyCode"),
        "canceled": order["IsCancelled"],
        "on_hold": order["IsOnHold"],
        "late_cancel": order.get("PostReleaseModificationStatus"),
        "updated": order["UpdatedTimestamp"],
        "correlations": record.correlations,
        "lines": [_line(line) for line in order["OrderLine"]],
        "packages": packages_of(order),
    }


def _line(line: Json) -> Json:
    canceled = sum(
        (as_decimal(entry["CancelQuantity"]) for entry in line.get("OrderLineCancelHistory") or ()),
        as_decimal(0),
    )
    return {
        "OrderLineId": line["OrderLineId"],
        "ItemId": line["ItemId"],
        "Quantity": as_number(as_decimal(line["Quantity"])),
        "OrderedQuantity": as_number(as_decimal(line["Quantity"]) + canceled),
        "Status": float(line["MaxFulfillmentStatusId"]),
        "MinStatus": float(line["MinFulfillmentStatusId"]),
        "canceled": line["IsCancelled"],
        "units": [
            {"Status": float(unit["StatusId"]), "Quantity": unit["Quantity"]}
            for unit in line["QuantityDetail"]
        ],
    }


def packages_of(order: Json) -> list[Json]:
    """Group fulfilment details by package; PackageId null holds those without (pick-up, e-mail)."""
    packages: dict[str | None, Json] = {}
    for line in order["OrderLine"]:
        for detail in line.get("FulfillmentDetail") or ():
            package_id = detail.get("PackageId")
            package = packages.setdefault(
                package_id,
                {
                    "PackageId": package_id,
                    "TrackingNumber": detail.get("TrackingNumber"),
                    "CarrierCode": detail.get("CarrierCode"),
                    "lines": [],
                },
            )
            package["lines"].append(
                {
                    "OrderLineId": line["OrderLineId"],
                    "ItemId": line["ItemId"],
                    "Quantity": detail["Quantity"],
                }
            )
    return list(packages.values())
