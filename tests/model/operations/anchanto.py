"""What happens at Anchanto and in the warehouse behind it."""

from __future__ import annotations

from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.operations.neutral import at_oms, call_oms, oms_line
from tests.model.operations.registry import NUMBER, PLACE, UNITS, among, at
from tests.model.operations.shoppers import SKU

operation = at("anchanto")


@operation("oms", 2, number=NUMBER, to=among("allocate", "release", "pick", "pack"))
def fulfil(life: Life, number: int, to: str) -> None:
    """Send an order to the warehouse, or get it ready to ship there."""
    at_oms(life, number)
    step = "ready" if to == "pack" else "wms"
    rates = {"split_rate": 0.0, "partial_rate": 0.0}
    life.world.to_oms("advance", {"to": step, "orders": [str(number)], **rates})


@operation("oms", 3, number=NUMBER)
def ship(life: Life, number: int) -> None:
    """Ship all that is left of an order in one carton."""
    call_oms(life, number, "ship", {})


@operation("oms", 2, number=NUMBER)
def hand_over(life: Life, number: int) -> None:
    """Hand what is ready to the carrier."""
    call_oms(life, number, "manifest", {})


@operation("oms", 1, number=NUMBER, place=PLACE, units=UNITS)
def make_ready(life: Life, number: int, place: int, units: int) -> None:
    """Pack some units, so that they are ready to ship."""
    sku, _ = oms_line(life, number, place)
    call_oms(life, number, "ready", {"lines": [{"sku": sku, "quantity": units}]})


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
def deliver(life: Life, number: int) -> None:
    """Let the parcels of an order arrive."""
    call_oms(life, number, "deliver", {})


@operation("oms", 1, number=NUMBER)
def complete(life: Life, number: int) -> None:
    """Complete a delivered order."""
    call_oms(life, number, "complete", {})


@operation("oms", 1, waits=among(True, False))
def wait_for_stock(life: Life, waits: bool) -> None:
    """Let orders without stock wait, or not."""
    life.world.to_oms("settings", {"wait_for_stock": waits})


@operation("world", 1)
def expire_tokens(life: Life) -> None:
    """Let all tokens of the OMS expire."""
    life.world.to_oms("expire", {})


@operation("oms", 1, number=NUMBER)
def cancel_at_oms(life: Life, number: int) -> None:
    """Cancel a whole order at the OMS, as for lack of stock."""
    call_oms(life, number, "cancel", {})
    life.facts.canceled_at_oms.add(number)


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
