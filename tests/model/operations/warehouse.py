"""What Manhattan and its warehouses do: allocate, ship in parts, cancel, return, move stock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.operations.registry import NUMBER, PLACE, UNITS, among, at, between
from tests.model.operations.shoppers import SKU
from tests.model.world import ControlError

operation = at("manhattan")
CERTAIN: dict[str, Any] = {
    "split_rate": 0,
    "partial_rate": 0,
    "cancel_rate": 0,
    "no_carrier_rate": 0,
}


def _advance(life: Life, number: int, to: str, **rates: Any) -> None:
    life.at_oms(number)
    body = CERTAIN | rates | {"to": to, "orders": [life.world.oms_id(number)]}
    if not life.world.to_oms("advance", body).get("orders"):
        raise NotPossibleError


def _try(life: Life, path: str, body: Any) -> Any:
    try:
        return life.world.to_oms(path, body)
    except ControlError:
        raise NotPossibleError from None


@operation("oms", 2, number=NUMBER, to=among("allocate", "release", "pick", "pack"))
def fulfil(life: Life, number: int, to: str) -> None:
    """Take an order some steps further."""
    _advance(life, number, to)


@operation("oms", 3, number=NUMBER)
def ship(life: Life, number: int) -> None:
    """Ship all of an order in one parcel."""
    _advance(life, number, "ship")


@operation("oms", 1, number=NUMBER)
def ship_split(life: Life, number: int) -> None:
    """Ship an order in several parcels."""
    _advance(life, number, "ship", split_rate=1)


@operation("oms", 2, number=NUMBER, place=PLACE, units=UNITS)
def ship_part(life: Life, number: int, place: int, units: int) -> None:
    """Ship some units of a line."""
    line = _line(life, number, place)
    _try(
        life,
        f"orders/{life.world.oms_id(number)}/ship",
        {"lines": [{"line": line, "quantity": units}]},
    )


@operation("oms", 1, number=NUMBER, place=PLACE)
def ship_unlabelled(life: Life, number: int, place: int) -> None:
    """Ship a line without a tracking number."""
    line = _line(life, number, place)
    _try(
        life,
        f"orders/{life.world.oms_id(number)}/ship",
        {"lines": [{"line": line}], "labelled": False},
    )


@operation("oms", 1, number=NUMBER, place=PLACE, units=UNITS, carrier=among("STARTRACK", "UPS"))
def ship_by(life: Life, number: int, place: int, units: int, carrier: str) -> None:
    """Ship some units by a carrier that the OMS names, with a number of another one's form."""
    line = _line(life, number, place)
    body = {
        "lines": [{"line": line, "quantity": units}],
        "carrier": carrier,
        "tracking": f"3310110{number}{place}{units}",
    }
    _try(life, f"orders/{life.world.oms_id(number)}/ship", body)


@operation("oms", 1, number=NUMBER)
def ship_twins(life: Life, number: int) -> None:
    """Ship two parcels with one unit of the same line each, and no tracking number."""
    ship_one(life, number)
    ship_one(life, number)


@operation("oms", 1, number=NUMBER)
def ship_one(life: Life, number: int) -> None:
    """Ship one unit of an order's first line, without a tracking number."""
    body = {"lines": [{"line": _line(life, number, 0), "quantity": 1}], "labelled": False}
    _try(life, f"orders/{life.world.oms_id(number)}/ship", body)


@operation("oms", 1, number=NUMBER)
def track_late(life: Life, number: int) -> None:
    """Give a parcel without a tracking number one."""
    open_parcels = [
        package
        for package in life.at_oms(number)["packages"]
        if package["PackageId"] and not package["TrackingNumber"]
    ]
    if not open_parcels:
        raise NotPossibleError
    parcel = open_parcels[-1]["PackageId"]
    body = {"package": parcel, "tracking": f"1Z{parcel[-8:]}0001", "carrier": "UPS"}
    _try(life, f"orders/{life.world.oms_id(number)}/track", body)


@operation("oms", 1, number=NUMBER)
def grow_parcel(life: Life, number: int) -> None:
    """Ship what is left of an order in the parcel that was shipped last."""
    before = [p for p in life.at_oms(number)["packages"] if p["PackageId"]]
    if not before:
        raise NotPossibleError
    _try(life, f"orders/{life.world.oms_id(number)}/ship", {})
    parcel = before[-1]["PackageId"]
    state = life.world.tenant._state
    order = state.book.records[life.world.oms_id(number)].load()
    added = life.at_oms(number)["packages"][-1]["PackageId"]
    old = next(d for d in _details(order) if d.get("PackageId") == parcel)
    names = ("PackageId", "ShipmentId", "TrackingNumber", "CarrierCode", "ShipViaId")
    for detail in _details(order):
        if detail.get("PackageId") == added:
            detail |= {name: old[name] for name in names}
    order["OrderTrackingInfo"] = [
        entry for entry in order["OrderTrackingInfo"] if entry["PackageId"] != added
    ]
    state.commit(order)


@operation("oms", 1, number=NUMBER)
def deliver(life: Life, number: int) -> None:
    """Let the parcels of an order arrive."""
    _advance(life, number, "deliver")


@operation("oms", 1, number=NUMBER)
def cancel_at_oms(life: Life, number: int) -> None:
    """Cancel a whole order at the OMS, as for lack of stock."""
    life.at_oms(number)
    _try(
        life, f"orders/{life.world.oms_id(number)}/cancel", {"reason": {"ReasonId": "Out Of Stock"}}
    )
    life.facts.canceled_at_oms.add(number)


@operation("oms", 1, number=NUMBER, place=PLACE)
def cancel_line_at_oms(life: Life, number: int, place: int) -> None:
    """Cancel a line at the OMS."""
    line = _line(life, number, place)
    body = {"lines": [line], "reason": {"ReasonId": "Out Of Stock"}}
    _try(life, f"orders/{life.world.oms_id(number)}/cancel", body)
    life.facts.canceled_at_oms.add(number)


@operation("oms", 1, number=NUMBER)
def take_back(life: Life, number: int) -> None:
    """Receive a return of all that was shipped."""
    if life.at_oms(number)["max_status"] < 7000:
        raise NotPossibleError
    _try(life, f"orders/{life.world.oms_id(number)}/return", {})


@operation("oms", 1, allowed=among(True, False))
def allow_late_cancels(life: Life, allowed: bool) -> None:
    """Accept cancellations after the release as requests, or refuse them."""
    life.world.to_oms("settings", {"late_cancellation": allowed})


@operation("oms", 1, number=NUMBER, accepted=among(True, False))
def decide_late_cancel(life: Life, number: int, accepted: bool) -> None:
    """Decide on a requested cancellation."""
    if life.at_oms(number)["late_cancel"] != "Requested":
        raise NotPossibleError
    _try(life, f"orders/{life.world.oms_id(number)}/cancel_outcome", {"accepted": accepted})


@operation("oms", 1, number=NUMBER)
def touch(life: Life, number: int) -> None:
    """Change an order's time of modification and nothing else."""
    life.at_oms(number)
    _try(life, f"orders/{life.world.oms_id(number)}/touch", {})


@operation("oms", 1, number=NUMBER, reads=between(1, 3))
def read_stale(life: Life, number: int, reads: int) -> None:
    """Show the previous version of an order for some reads; the half-hourly sweep follows."""
    life.at_oms(number)
    _try(life, f"orders/{life.world.oms_id(number)}/touch", {"stale": reads})
    life.world.pass_time(timedelta(seconds=3))
    life.live("shipments")
    _try(life, f"orders/{life.world.oms_id(number)}/touch", {"stale": 0})
    life.world.pass_time(timedelta(minutes=30))
    life.sweep()


@operation("oms", 2, sku=SKU, quantity=among(0, 3, 40, 250))
def count_stock(life: Life, sku: str, quantity: int) -> None:
    """Count the stock of an item."""
    row = {"item": sku, "location": documents.DEPOT, "quantity": quantity}
    life.world.to_oms("supply", [row])


@operation("oms", 1, sku=SKU, infinite=among(True, False))
def sell_without_limit(life: Life, sku: str, infinite: bool) -> None:
    """Sell an item without limit, or with one again."""
    row = {"item": sku, "location": documents.DEPOT, "infinite": infinite}
    life.world.to_oms("supply", [row])


@operation("oms", 1, sku=SKU)
def open_node(life: Life, sku: str) -> None:
    """Stock an item at a second node."""
    life.world.to_oms("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}])
    life.world.to_oms("supply", [{"item": sku, "location": "DC2", "quantity": 7}])


@operation("oms", 1, closed=among(True, False))
def close_node(life: Life, closed: bool) -> None:
    """Take the depot out of the network, or back into it."""
    row = {"LocationId": documents.DEPOT, "LocationTypeId": "DC", "outage": closed}
    life.world.to_oms("locations", [row])


@operation("oms", 1, sku=SKU)
def vanish(life: Life, sku: str) -> None:
    """Have no stock of an item at any node any more, and no row about it."""
    if life.world.tenant._state.stock.supply.pop(sku, None) is None:
        raise NotPossibleError


@operation("oms", 1)
def learn_item(life: Life) -> None:
    """Take the store's own item into the OMS's item master."""
    sku = documents.NOT_AT_OMS
    life.world.to_oms("items", [{"ItemId": sku, "Description": sku, "BaseUOM": "EA"}])
    life.world.to_oms("supply", [{"item": sku, "location": documents.DEPOT, "quantity": 9}])


def _line(life: Life, number: int, place: int) -> str:
    found = life.at_oms(number)["lines"]
    line: str = found[place % len(found)]["OrderLineId"]
    return line


def _details(order: Any) -> list[Any]:
    return [detail for line in order["OrderLine"] for detail in line.get("FulfillmentDetail") or ()]
