"""The shapes of an order's attributes: objects, lists of objects, ids and dates."""

from __future__ import annotations

from typing import Any

from sandbox.oms.manhattan.clock import to_ms
from sandbox.oms.manhattan.envelope import Refused, error
from sandbox.oms.manhattan.merge import KEYS

Json = dict[str, Any]

_OBJECTS = frozenset(
    (
        *(
            "DocType",
            "OrderType",
            "SellingChannel",
            "OrderActions",
            "Extended",
            "OrderExtension1",
            "ChargeType",
            "DiscountOn",
        ),
        *(
            "DeliveryMethod",
            "ShipToAddress",
            "Address",
            "BillingAddress",
            "OrderLinePromisingInfo",
            "CancelReason",
            "PaymentType",
        ),
        *("CardType", "TransactionType", "Status", "PaymentResponseStatus", "ProcessingMode"),
    )
)
"""One migration sample sends DocType as plain text, so text may stand for an id wrapper (1.4)."""
_WRAPPERS = frozenset(("DocType", "OrderType", "SellingChannel"))
_TEXTS = frozenset(("UOM", "CurrencyCode", "AccountDisplayNumber"))
_DATES = frozenset(
    ("CapturedDate", "DoNotReleaseBefore", "RequestedDeliveryDate", "PromisedDeliveryDate")
)


def check_shapes(entity: Json, path: str = "") -> None:
    """Raise Refused for the first attribute of the wrong shape, before any other check."""
    for name, value in entity.items():
        if value is None or value == "":
            continue
        if name in KEYS:
            if not isinstance(value, list):
                raise _malformed(path + name, "a list", value)
            for element in value:
                if not isinstance(element, dict):
                    raise _malformed(path + name, "a list of objects", value)
                check_shapes(element, f"{path}{name}.")
        elif name in _OBJECTS:
            if isinstance(value, dict):
                check_shapes(value, f"{path}{name}.")
            elif name not in _WRAPPERS or not isinstance(value, str):
                raise _malformed(path + name, "an object", value)
        elif name in _DATES:
            _check_date(path + name, value)
        elif (name in _TEXTS or name.endswith("Id")) and not isinstance(value, str | int):
            raise _malformed(path + name, "text", value)
        elif name == "StatusId" and not str(value).replace(".", "", 1).isdigit():
            raise _malformed(path + name, "a status", value)


def _check_date(path: str, value: Any) -> None:
    try:
        to_ms(value)
    except (TypeError, ValueError) as problem:
        raise _malformed(path, "an ISO-8601 date", value) from problem


def _malformed(path: str, wanted: str, value: Any) -> Refused:
    return Refused(
        error(
            "MALFORMED_ATTRIBUTE", f"{path} is not {wanted} but {type(value).__name__}", field=path
        )
    )
