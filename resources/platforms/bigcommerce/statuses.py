"""BigCommerce's order statuses, the milestones that they mean, and its names for carriers.

Source: orders.v2.oas2.yml, ``GET /order_statuses``. Merchants rename statuses (``custom_label``),
so ids are what counts. UNVERIFIED: no table of allowed moves is published and none seems to be
enforced; the caller holds the state machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domain.milestones import Milestone as M
from domain.statuses import StoreStatuses


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """One of the store's statuses; a final one must not be moved by fulfilment any more."""

    id: int
    name: str
    is_final: bool
    shows: M | None
    """The milestone that the status means to the store's staff."""
    is_reserved: bool = False
    """Staff decided something that fulfilment must not overwrite."""


STATUSES: dict[int, OrderStatus] = {
    status.id: status
    for status in (
        OrderStatus(0, "Incomplete", False, None),  # abandoned at payment, never exported
        OrderStatus(1, "Pending", False, None),
        OrderStatus(2, "Shipped", False, M.SHIPPED),
        OrderStatus(3, "Partially Shipped", False, M.PARTIALLY_SHIPPED),
        OrderStatus(4, "Refunded", True, None, is_reserved=True),
        OrderStatus(5, "Cancelled", True, M.CANCELED, is_reserved=True),
        OrderStatus(6, "Declined", True, M.CANCELED, is_reserved=True),
        OrderStatus(7, "Awaiting Payment", False, None),
        OrderStatus(8, "Awaiting Pickup", False, M.PACKED),
        OrderStatus(9, "Awaiting Shipment", False, M.RELEASED),
        OrderStatus(10, "Completed", False, M.DELIVERED),
        OrderStatus(11, "Awaiting Fulfillment", False, M.CREATED),
        OrderStatus(12, "Manual Verification Required", False, None, is_reserved=True),
        OrderStatus(13, "Disputed", False, None, is_reserved=True),
        OrderStatus(14, "Partially Refunded", False, None),
    )
}

ORDER_STATUSES = StoreStatuses(
    {str(status.id): status.name for status in STATUSES.values()},
    export=("11",),
    update=("3", "8", "9"),
    cancel=("5", "6"),
    deleted="cancel",  # an archived order is out of sight, and its status stays as it was
)
"""What orders do in them, unless ``orders.export_statuses`` and its like say otherwise."""

REFUNDED, PARTIALLY_REFUNDED = 4, 14
REFUNDS: dict[int, Literal["part", "whole"]] = {REFUNDED: "whole", PARTIALLY_REFUNDED: "part"}

MILESTONE_STATUS: dict[M, int | None] = {
    M.CREATED: None,  # the order is in status 11, in which it went out
    M.PARTIALLY_ALLOCATED: None,  # nothing to inform a shopper of yet
    M.ALLOCATED: None,
    M.PARTIALLY_RELEASED: 9,
    M.RELEASED: 9,
    M.PARTIALLY_PICKED: 9,
    M.PICKED: 9,
    M.PARTIALLY_PACKED: 9,
    M.PACKED: 9,
    M.PARTIALLY_SHIPPED: 3,
    M.SHIPPED: 2,
    M.PARTIALLY_DELIVERED: None,  # stays at 2 or 3, by what has been shipped
    M.DELIVERED: 10,
    M.PARTIALLY_RETURNED: None,  # 4 and 14 don't move money: the refund sets them
    M.RETURNED: None,
    M.CANCELED: 5,
}
"""Milestone at the OMS -> status to set, ``None`` if none is set.
``shipments.milestone_statuses`` overrides it."""

TRACKING_CARRIERS: dict[str, str] = {
    "amazon": "amazon",
    "aramex": "aramex",
    "australia_post": "australia-post",
    "bpost": "bpost",
    "canada_post": "canada-post",
    "canpar": "canpar",
    "china_post": "china-post",
    "correios": "brazil-correios",
    "dhl": "dhl",
    "dpd": "dpd",
    "evri": "myhermes-uk",
    "fedex": "fedex",
    "gls": "gls",
    "japan_post": "japan-post",
    "la_poste": "la-poste-colissimo",
    "landmark": "landmark-global",
    "lasership": "lasership",
    "old_dominion": "old-dominion",
    "ontrac": "ontrac",
    "postnl": "postnl",
    "purolator": "purolator",
    "speedee": "speedee",
    "tnt": "tnt",
    "ups": "ups",
    "usps": "usps",
    "yodel": "yodel",
    "yunexpress": "yunexpress",
}
"""Our courier code -> ``tracking_carrier``, by the vendor's table of values
(``tracking_carrier_values.csv``); a setting overrides each."""

SHIPPING_PROVIDERS: dict[str, str] = {"royal_mail": "royalmail"}
"""Our courier code -> ``shipping_provider``, for carriers that the table above does not have."""
