"""What happens at an OMS whose warehouse ships in cartons, by the controls of its simulations.

The modules of such systems register what they can do.
"""

from __future__ import annotations

from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.operations.neutral import at_oms, call_oms, oms_line


def ship(life: Life, number: int) -> None:
    """Ship all that is left of an order in one carton."""
    call_oms(life, number, "ship", {})


def ship_split(life: Life, number: int) -> None:
    """Ship an order in several cartons, each its own shipment."""
    at_oms(life, number)
    rates = {"split_rate": 1.0, "partial_rate": 0.0}
    if not life.world.to_oms("advance", {"to": "ship", "orders": [str(number)], **rates}):
        raise NotPossibleError


def ship_part(life: Life, number: int, place: int, units: int) -> None:
    """Ship some units of a line."""
    sku, _ = oms_line(life, number, place)
    call_oms(life, number, "ship", {"lines": [{"sku": sku, "quantity": units}]})


def ship_unlabelled(life: Life, number: int, place: int) -> None:
    """Ship a line without a tracking number."""
    sku, units = oms_line(life, number, place)
    body = {"lines": [{"sku": sku, "quantity": units}], "labelled": False}
    call_oms(life, number, "ship", body)


def ship_by(life: Life, number: int, place: int, units: int, carrier: str) -> None:
    """Ship some units by a carrier that the warehouse names, with a number of another one's."""
    sku, _ = oms_line(life, number, place)
    body = {"lines": [{"sku": sku, "quantity": units}], "carrier": carrier}
    call_oms(life, number, "ship", body | {"tracking": f"3310110{number}{place}{units}"})


def ship_twins(life: Life, number: int) -> None:
    """Ship two cartons with one unit of the same line each, and no tracking number."""
    ship_one(life, number)
    ship_one(life, number)


def ship_one(life: Life, number: int) -> None:
    """Ship one unit of an order's first line, without a tracking number."""
    sku, _ = oms_line(life, number, 0)
    body = {"lines": [{"sku": sku, "quantity": 1}], "labelled": False}
    call_oms(life, number, "ship", body)


def track_late(life: Life, number: int) -> None:
    """Give the last shipment a number, or another one."""
    call_oms(life, number, "track", {})


def cancel_at_oms(life: Life, number: int) -> None:
    """Cancel a whole order at the OMS, as for lack of stock."""
    call_oms(life, number, "cancel", {})
    life.facts.canceled_at_oms.add(number)


def touch(life: Life, number: int) -> None:
    """Change an order's time of modification and nothing else."""
    call_oms(life, number, "touch", {})


def count_stock(life: Life, sku: str, quantity: int) -> None:
    """Count the stock of an item."""
    row = {"item": sku, "location": documents.DEPOT, "quantity": quantity}
    life.world.to_oms("supply", [row])


def open_node(life: Life, sku: str) -> None:
    """Stock an item at a second warehouse."""
    life.world.to_oms("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}])
    life.world.to_oms("supply", [{"item": sku, "location": "DC2", "quantity": 7}])


def learn_item(life: Life) -> None:
    """Take the store's own item into the OMS's products."""
    sku = documents.NOT_AT_OMS
    life.world.to_oms("items", [{"ItemId": sku, "Description": sku, "BaseUOM": "EA"}])
    life.world.to_oms("supply", [{"item": sku, "location": documents.DEPOT, "quantity": 9}])
