"""Which of the store's shipments have no parcel at the OMS any more."""

from __future__ import annotations

import random

import pytest

from assets.delivery.target_state import KnownShipment, OrderTargetState
from assets.streams.shipments.taken_back import why_left, without_parcel
from domain.exchange import ShipmentLine, ShipmentRequest

Units = dict[str, int]


def shown(**parcels: Units) -> OrderTargetState:
    """Return what the store has: a shipment of each parcel."""
    return OrderTargetState(
        {
            f"{name}/g": KnownShipment(name, name, None, "g", units)
            for name, units in parcels.items()
        }
    )


def asked(**parcels: Units) -> dict[str, ShipmentRequest]:
    """Return what the OMS has."""
    return {
        f"{name}/g": ShipmentRequest(
            "1", "g", tuple(ShipmentLine(line, n) for line, n in units.items()), name
        )
        for name, units in parcels.items()
    }


def gone(state: OrderTargetState, requests: dict[str, ShipmentRequest]) -> list[str]:
    """Return the shipments without a parcel."""
    return without_parcel(state, requests, state.cover(requests))


@pytest.mark.parametrize(
    ("held", "at_oms", "expected"),
    [
        pytest.param({"A": {"1": 1}}, {}, ["A/g"], id="the only one"),
        pytest.param({"A": {"1": 1}, "B": {"1": 1}}, {"B": {"1": 1}}, ["A/g"], id="one of two"),
        pytest.param({"A": {"1": 1}}, {"N": {"1": 1}}, [], id="under a new key"),
        pytest.param({"A": {"1": 2}}, {"A": {"1": 1}}, [], id="with fewer units"),
        pytest.param({"A": {"1": 1}, "B": {"1": 1}}, {"N": {"1": 2}}, [], id="two that became one"),
        pytest.param({"A": {"1": 2}}, {"N": {"1": 1}}, ["A/g"], id="replaced by a smaller one"),
        pytest.param(
            {"A": {"1": 1, "2": 1}}, {"N": {"2": 1}}, ["A/g"], id="replaced by one of a line"
        ),
        pytest.param({"A": {}, "B": {"1": 1}}, {}, [], id="of units that are not known"),
    ],
)
def test_a_parcel_is_canceled_if_the_others_have_all_that_has_left(
    held: dict[str, Units], at_oms: dict[str, Units], expected: list[str]
) -> None:
    """Whatever key the OMS gives a parcel: what has left must stay shown."""
    assert gone(shown(**held), asked(**at_oms)) == expected


@pytest.mark.parametrize("seed", range(40))
def test_the_store_never_shows_fewer_units_than_have_left(seed: int) -> None:
    """Parcels come, go, and change their keys."""
    chance = random.Random(seed)
    parcels = {
        f"P{n}": {str(chance.randint(1, 2)): chance.randint(1, 3)}
        for n in range(chance.randint(1, 5))
    }
    state = shown(**parcels)
    left = {
        (name if chance.random() < 0.7 else f"N{name}"): units
        for name, units in parcels.items()
        if chance.random() < 0.6
    }
    requests = asked(**left)
    missing = {line.line_id: 0 for request in requests.values() for line in request.lines}
    for cover in state.cover(requests).values():
        for line in cover.missing:
            missing[line.line_id] += line.quantity
    for name in gone(state, requests):
        del state.shipments[name]
    for line_id, more in missing.items():
        held = sum(one.units.get(line_id, 0) for one in state.shipments.values())
        assert held + more >= sum(units.get(line_id, 0) for units in left.values())


@pytest.mark.parametrize(
    ("is_own", "canceled", "words"),
    [
        (True, ("A",), ""),
        (True, (), "older than it seems"),
        (True, ("AB", "X"), "older than it seems"),
        (False, ("A",), "made by hand"),
    ],
)
def test_only_our_own_shipment_of_a_parcel_that_is_shown_as_canceled_is_taken_back(
    is_own: bool, canceled: tuple[str, ...], words: str
) -> None:
    """What an answer only lacks may be in a newer one."""
    why = why_left("A/g", KnownShipment("7", "A", None, "g", {"1": 1}, is_own), canceled)
    assert words in why
    assert bool(why) is bool(words)
