"""Units of one SKU on several lines: each is shipped once, whichever carton gets it, and when."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from assets.delivery.target_state import KnownShipment, OrderTargetState
from assets.streams.shipments.same_sku import as_shipped
from domain.exchange import ShipmentLine, ShipmentRequest
from domain.records.fulfilment import Fulfilment, LineProgress

Requests = dict[str, ShipmentRequest]


def assigned(cartons: dict[str, int], ordered: list[int]) -> Requests:
    """Return the cartons' shipments with their units on the lines in order, as connectors do."""
    left, requests = list(ordered), Requests()
    for name, units in cartons.items():
        lines, more = [], units
        for line, room in enumerate(left):
            part = min(more, room)
            left[line], more = room - part, more - part
            lines += [ShipmentLine(str(line), part)] if part else []
        requests[f"{name}/g"] = ShipmentRequest("1", "g", tuple(lines), name)
    return requests


def units_of(requests: Requests, line: int) -> int:
    """Return a line's units in all shipments."""
    return sum(
        one.quantity for r in requests.values() for one in r.lines if one.line_id == str(line)
    )


@pytest.mark.parametrize("seed", range(60))
def test_what_a_carton_gets_later_is_shipped_once(seed: int) -> None:
    """The units of each carton and of each line stay, and no line ships more than it has."""
    chance = random.Random(seed)
    ordered = [chance.randint(1, 4) for _ in range(chance.randint(2, 4))]
    lines = tuple(
        LineProgress(
            line_id=str(n), sku="MUG" if n % 2 else "mug ", ordered=Decimal(units), units=()
        )
        for n, units in enumerate(ordered)
    )
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    fulfilment = Fulfilment(order_id="1", source_id="1", lines=lines, updated_at=moment)
    state, cartons, left = OrderTargetState(), dict[str, int](), sum(ordered)
    while left:
        units = chance.randint(1, left)
        left -= units
        name = chance.choice([*cartons, f"C{len(cartons)}"])
        cartons[name] = cartons.get(name, 0) + units
        asked = assigned(cartons, ordered)
        found = as_shipped(asked, fulfilment, state)
        for line in range(len(ordered)):
            assert units_of(found, line) == units_of(asked, line)
        made = 0
        for key, cover in state.cover(found).items():
            assert sum(one.quantity for one in found[key].lines) == cartons[key[:-2]]
            if cover.missing:
                content = {one.line_id: one.quantity for one in cover.missing}
                made += sum(content.values())
                state.shipments[state.new_name(key)] = KnownShipment("x", key, None, "g", content)
        assert made == units
    own = [shipment.units for shipment in state.shipments.values()]
    assert [sum(units.get(str(n), 0) for units in own) for n in range(len(ordered))] == ordered
