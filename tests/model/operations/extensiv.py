"""What happens at Extensiv and in the warehouse behind it."""

from __future__ import annotations

from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.operations.neutral import at_oms, call_oms, oms_line
from tests.model.operations.registry import NUMBER, PLACE, UNITS, among, at
from tests.model.operations.shoppers import SKU

operation = at("extensiv")


@operation("oms", 2, number=NUMBER, to=among("allocate", "release", "pick", "pack"))
def fulfil(life: Life, number: int, to: str) -> None:
    """Send an order to the warehouse: steps within it do not show."""
    del to
    at_oms(life, number)
    life.world.to_oms("advance", {"to": "wms", "orders": [str(number)]})


@operation("oms", 3, number=NUMBER)
def ship(life: Life, number: int) -> None:
    """Ship all that is left of an order in one carton."""
    call_oms(life, number, "ship", {})


@operation("oms", 1, number=NUMBER)
def ship_split(life: Life, number: int) -> None:
    """Ship an order in several cartons, each its own shipment."""
    at_oms(life, number)
    rates = {"split_rate": 1.0, "partial_rate": 0.0}
    if not life.world.to_oms("advance", {"to": "ship", "orders": [str(number)], **rates}):
        raise NotPossibleError


@operation("oms", 2, number=NUMBER, place=PLACE, units=UNITS)
def ship_part(life: Life, number: int, place: int, units: int) -> None:
    """Ship some units of a line."""
    sku, _ = oms_line(life, number, place)
    call_oms(life, number, "ship", {"lines": [{"sku": sku, "quantity": units}]})


@operation("oms", 1, number=NUMBER, place=PLACE)
def ship_unlabelled(life: Life, number: int, place: int) -> None:
    """Ship a line without a tracking number."""
    sku, units = oms_line(life, number, place)
    body = {"lines": [{"sku": sku, "quantity": units}], "labelled": False}
    call_oms(life, number, "ship", body)


@operation("oms", 1, number=NUMBER, place=PLACE, units=UNITS, carrier=among("STARTRACK", "UPS"))
def ship_by(life: Life, number: int, place: int, units: int, carrier: str) -> None:
    """Ship some units by a carrier that the warehouse names, with a number of another one's."""
    sku, _ = oms_line(life, number, place)
    body = {"lines": [{"sku": sku, "quantity": units}], "carrier": carrier}
    call_oms(life, number, "ship", body | {"tracking": f"3310110{number}{place}{units}"})


@operation("oms", 1, number=NUMBER)
def ship_twins(life: Life, number: int) -> None:
    """Ship two cartons with one unit of the same line each, and no tracking number."""
    ship_one(life, number)
    ship_one(life, number)


@operation("oms", 1, number=NUMBER)
def ship_one(life: Life, number: int) -> None:
    """Ship one unit of an order's first line, without a tracking number."""
    sku, _ = oms_line(life, number, 0)
    body = {"lines": [{"sku": sku, "quantity": 1}], "labelled": False}
    call_oms(life, number, "ship", body)


@operation("oms", 1, number=NUMBER)
def track_late(life: Life, number: int) -> None:
    """Give the last shipment a number, or another one."""
    call_oms(life, number, "track", {})


@operation("oms", 1, number=NUMBER)
def grow_parcel(life: Life, number: int) -> None:
    """Load the last shipment again with a unit more."""
    sku, _ = oms_line(life, number, 0)
    call_oms(life, number, "grow", {"sku": sku, "quantity": 1})


@operation("oms", 1, number=NUMBER)
def cancel_at_oms(life: Life, number: int) -> None:
    """Cancel a whole order at the OMS, as for lack of stock."""
    call_oms(life, number, "cancel", {})
    life.facts.canceled_at_oms.add(number)


@operation("oms", 1, allowed=among(True, False))
def allow_late_cancels(life: Life, allowed: bool) -> None:
    """Take cancellations of orders that the warehouse has as requests, or at once."""
    life.world.to_oms("settings", {"wms_cancel_is_late": allowed})


@operation("oms", 1, allowed=among(True, False))
def allow_wms_cancels(life: Life, allowed: bool) -> None:
    """Let the warehouse take cancellations, or refuse them."""
    life.world.to_oms("settings", {"wms_cancels": allowed})


@operation("oms", 1, number=NUMBER, accepted=among(True, False))
def decide_late_cancel(life: Life, number: int, accepted: bool) -> None:
    """Decide on a requested cancellation."""
    call_oms(life, number, "cancel_outcome", {"accepted": accepted})


@operation("oms", 1, number=NUMBER)
def fail_order(life: Life, number: int) -> None:
    """Put an order into error: the warehouse does not take it."""
    call_oms(life, number, "error", {"reason": "No ship method is mapped"})


@operation("oms", 1, number=NUMBER, held=among(True, False))
def hold_at_oms(life: Life, number: int, held: bool) -> None:
    """Hold an order, or release it."""
    call_oms(life, number, "hold", {"on_hold": held, "reason": "Address check" if held else ""})


@operation("oms", 1, number=NUMBER)
def touch(life: Life, number: int) -> None:
    """Change an order's time of modification and nothing else."""
    call_oms(life, number, "touch", {})


@operation("oms", 2, sku=SKU, quantity=among(0, 3, 40, 250))
def count_stock(life: Life, sku: str, quantity: int) -> None:
    """Count the stock of an item."""
    row = {"item": sku, "location": documents.DEPOT, "quantity": quantity}
    life.world.to_oms("supply", [row])


@operation("oms", 1, sku=SKU)
def open_node(life: Life, sku: str) -> None:
    """Stock an item at a second warehouse."""
    life.world.to_oms("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}])
    life.world.to_oms("supply", [{"item": sku, "location": "DC2", "quantity": 7}])


@operation("oms", 1)
def learn_item(life: Life) -> None:
    """Take the store's own item into the OMS's products."""
    sku = documents.NOT_AT_OMS
    life.world.to_oms("items", [{"ItemId": sku, "Description": sku, "BaseUOM": "EA"}])
    life.world.to_oms("supply", [{"item": sku, "location": documents.DEPOT, "quantity": 9}])
