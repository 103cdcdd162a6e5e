"""What happens at Extensiv and in the warehouse behind it."""

from __future__ import annotations

from tests.model.life import Life
from tests.model.operations import cartons
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


operation("oms", 3, number=NUMBER)(cartons.ship)
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
def grow_parcel(life: Life, number: int) -> None:
    """Load the last shipment again with a unit more."""
    sku, _ = oms_line(life, number, 0)
    call_oms(life, number, "grow", {"sku": sku, "quantity": 1})


operation("oms", 1, number=NUMBER)(cartons.cancel_at_oms)


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


operation("oms", 1, number=NUMBER)(cartons.touch)
operation("oms", 2, sku=SKU, quantity=among(0, 3, 40, 250))(cartons.count_stock)
operation("oms", 1, sku=SKU)(cartons.open_node)
operation("oms", 1)(cartons.learn_item)
