"""What happens at Anchanto and in the warehouse behind it."""

from __future__ import annotations

from tests.model.life import Life
from tests.model.operations import cartons
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


operation("oms", 3, number=NUMBER)(cartons.ship)


@operation("oms", 2, number=NUMBER)
def hand_over(life: Life, number: int) -> None:
    """Hand what is ready to the carrier."""
    call_oms(life, number, "manifest", {})


@operation("oms", 1, number=NUMBER, place=PLACE, units=UNITS)
def make_ready(life: Life, number: int, place: int, units: int) -> None:
    """Pack some units, so that they are ready to ship."""
    sku, _ = oms_line(life, number, place)
    call_oms(life, number, "ready", {"lines": [{"sku": sku, "quantity": units}]})


operation("oms", 1, number=NUMBER)(cartons.ship_split)
operation("oms", 2, number=NUMBER, place=PLACE, units=UNITS)(cartons.ship_part)
operation("oms", 1, number=NUMBER, place=PLACE)(cartons.ship_unlabelled)
operation("oms", 1, number=NUMBER, place=PLACE, units=UNITS, carrier=among("STARTRACK", "UPS"))(
    cartons.ship_by
)
operation("oms", 1, number=NUMBER)(cartons.ship_twins)
operation("oms", 1, number=NUMBER)(cartons.ship_one)
operation("oms", 1, number=NUMBER)(cartons.track_late)


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


operation("oms", 1, number=NUMBER)(cartons.cancel_at_oms)
operation("oms", 1, number=NUMBER)(cartons.touch)
operation("oms", 2, sku=SKU, quantity=among(0, 3, 40, 250))(cartons.count_stock)
operation("oms", 1, sku=SKU)(cartons.open_node)
operation("oms", 1)(cartons.learn_item)
