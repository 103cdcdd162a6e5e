"""Availability: the network view and the location view (oms.md 1.8).

The network view answers a zero row for an unknown item; the location view answers no row at all for
an item that is not eligible at a location. ``TransactionDateTime`` is the time of the answer. Our
assumptions: ``Locations`` is the key that narrows the location view, and ``ViewName`` is required.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.oms.manhattan.bodies import parse_object, rows_in, text_in
from sandbox.oms.manhattan.envelope import Refused, answer, error
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.stock import ZERO, as_decimal, as_number
from sandbox.system import Request, Response

Json = dict[str, Any]

_STATUS = {0: "OUT_OF_STOCK", 1: "LIMITED", 2: "AVAILABLE"}
_UNBOUNDED = 999_999
"""Quantity shown for infinite availability: the flag counts, the number must be ignored."""


def network_availability(state: State, request: Request) -> Response:
    """Answer ``availabilitydetail``: one row per item, known or not."""
    body = parse_object(request)
    items = _items_of(state, body)
    view = _view_of(state, body.get("ViewName"))
    return answer([network_row(state, item, body["ViewName"], view) for item in items])


def network_availability_by_view(state: State, request: Request) -> Response:
    """Answer the beta variant: one row per item and view of ``AvailabilityRequestViews``."""
    body = parse_object(request)
    items = _items_of(state, body)
    views = [text_in(view, "ViewName") for view in rows_in(body, "AvailabilityRequestViews")]
    if not views:
        raise Refused(
            error(
                "MISSING_ATTRIBUTE",
                "AvailabilityRequestViews names no view",
                field="AvailabilityRequestViews",
            )
        )
    return answer(
        [network_row(state, item, name, _view_of(state, name)) for name in views for item in items]
    )


def location_availability(state: State, request: Request) -> Response:
    """Answer the location view: one row per item and location where the item is eligible."""
    body = parse_object(request)
    items = _items_of(state, body)
    view = _view_of(state, body.get("ViewName"))
    wanted = body.get("Locations")
    rows = []
    for item in items:
        for location in _locations_of(state, item, view):
            if wanted is None or location in wanted:
                rows.append(location_row(state, item, location, body["ViewName"]))
    return answer(rows)


def network_row(state: State, item: str, view_name: str, view: Json) -> Json:
    """Compute one row of the network view; the quantities per location type sum to the total."""
    locations = _locations_of(state, item, view)
    supplies = state.stock.supply.get(item, {})
    by_type: dict[str, Decimal] = {}
    for location in locations:
        kind = state.stock.locations[location].type_id
        by_type[kind] = by_type.get(kind, ZERO) + state.stock.available(item, location)
    protection = as_decimal((view.get("protection") or {}).get(item, 0))
    cut = protection + (
        state.stock.reserved.get(item, ZERO) if state.settings.reserve_on_create else ZERO
    )
    for kind, quantity in by_type.items():
        share = max(ZERO, min(quantity, cut))
        by_type[kind] = quantity - share
        cut -= share
    infinite = any(
        supplies[location].infinite and not state.stock.locations[location].outage
        for location in locations
    )
    total = Decimal(_UNBOUNDED) if infinite else sum(by_type.values(), ZERO)
    return {
        **_row(state, item, view_name, total, infinite=infinite),
        "TotalQuantity": as_number(total),
        "Quantity": {kind: as_number(quantity) for kind, quantity in by_type.items()},
        "NetworkProtectionQuantity": {kind: as_number(protection) for kind in list(by_type)[:1]}
        if protection
        else {},
        "NextAvailabilityDate": _next_date(state, item, locations),
        "SubstituteItemsAvailable": False,
        "SubstitutionDetails": None,
    }


def location_row(state: State, item: str, location: str, view_name: str) -> Json:
    """Compute one row of the location view."""
    supply = state.stock.supply[item][location]
    infinite = supply.infinite and not state.stock.locations[location].outage
    quantity = Decimal(_UNBOUNDED) if infinite else state.stock.available(item, location)
    return {
        **_row(state, item, view_name, quantity, infinite=infinite),
        "LocationId": location,
        "LocationTypeId": state.stock.locations[location].type_id,
        "Quantity": as_number(quantity),
        "ProtectionQuantity": as_number(supply.protection),
        "NextAvailabilityDate": _next_date(state, item, [location]),
    }


def dump_availability(state: State) -> list[Json]:
    """List the tenant's whole stock without the API's limits: rows of both views with details."""
    rows: list[Json] = []
    for item in sorted(state.stock.supply.keys() | state.items.keys()):
        for location, supply in sorted(state.stock.supply.get(item, {}).items()):
            rows.append(
                {
                    "view": "location",
                    **location_row(state, item, location, ""),
                    "OnHand": as_number(supply.quantity),
                    "Allocated": as_number(state.stock.allocated.get((item, location), ZERO)),
                    "Outage": state.stock.locations[location].outage,
                    "Expected": supply.expected,
                }
            )
        reserved = as_number(state.stock.reserved.get(item, ZERO))
        rows.append({"view": "network", **network_row(state, item, "", {}), "Reserved": reserved})
    return rows


def _row(state: State, item: str, view_name: str, quantity: Decimal, *, infinite: bool) -> Json:
    code = 0 if quantity <= 0 else 1 if quantity <= state.settings.limited_below else 2
    return {
        "ItemId": item,
        "Status": _STATUS[code],
        "StatusCode": code,
        "ViewName": view_name,
        "ViewId": view_name,
        "TransactionDateTime": state.clock.now(),
        "IsInfiniteAvailability": infinite,
    }


def _items_of(state: State, body: Json) -> list[str]:
    items = body.get("Items")
    if not isinstance(items, list) or not items or not all(isinstance(item, str) for item in items):
        raise Refused(error("MISSING_ATTRIBUTE", "Items is not a list of item ids", field="Items"))
    if len(items) > state.settings.max_items:
        raise Refused(
            error(
                "TOO_MANY_ITEMS",
                f"{len(items)} items in one call; at most {state.settings.max_items}",
                field="Items",
            )
        )
    if state.settings.ignore_case:
        known = {item.casefold(): item for item in state.stock.supply}
        items = [known.get(item.casefold(), item) for item in items]
    return list(dict.fromkeys(items))


def _view_of(state: State, name: Any) -> Json:
    if not isinstance(name, str) or not name:
        raise Refused(error("MISSING_ATTRIBUTE", "ViewName is missing", field="ViewName"))
    if state.settings.views is None:
        return {}
    if name not in state.settings.views:
        raise Refused(error("VIEW_NOT_FOUND", f"View {name!r} is not configured", field="ViewName"))
    return state.settings.views[name]


def _locations_of(state: State, item: str, view: Json) -> list[str]:
    eligible = view.get("locations")
    return [
        location
        for location in sorted(state.stock.supply.get(item, {}))
        if eligible is None or location in eligible
    ]


def _next_date(state: State, item: str, locations: list[str]) -> str | None:
    dates = [
        expected["date"]
        for location in locations
        for expected in state.stock.supply[item][location].expected
    ]
    return min(dates, default=None)
