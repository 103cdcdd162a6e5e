"""Where lines ship from: the store's location becomes a node, or is left to the OMS visibly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from domain.errors import Problem
from domain.policies import InventoryPolicy, OrdersPolicy
from domain.records.orders import LineKind, OrderLine
from domain.rules.ship_from import NodePlace, ShipFromRules

EAST, WEST = "EAST", "WEST"
NODES = {"DC-1": EAST, "DC-2": "SHARED", "DC-3": "SHARED"}
"""Of the stock: two nodes feed one of the store's locations."""


def line(line_id: str, node: str, **changes: Any) -> OrderLine:
    """Return a line with the store's code of a location."""
    made = OrderLine(
        line_id=line_id,
        sku="MUG",
        quantity=Decimal(1),
        uom="EACH",
        unit_price=Decimal(1),
        line_total=Decimal(1),
        group_id="1",
        node=node,
    )
    return replace(made, **changes)


def translated(
    *lines: OrderLine, place: NodePlace = "line", **policy: Any
) -> tuple[list[str], list[str], list[str]]:
    """Return the lines' nodes, and the codes of problems and of warnings."""
    orders = OrdersPolicy.model_validate(policy)
    rules = ShipFromRules(orders, InventoryPolicy(mode="by_node", nodes=NODES), place)
    problems: list[Problem] = []
    paths = [f"lines[{number}].stock" for number in range(len(lines))]
    warnings = rules.translate(lines, paths, problems)
    found = [*problems, *warnings]
    assert all(one.field in paths and one.advice for one in found)
    codes = [one.code for one in problems], [one.code for one in warnings]
    return [each.node for each in lines], *codes


def test_the_nodes_of_the_stock_are_used_the_other_way_round() -> None:
    """A location that two nodes feed is none of theirs, unless it is named for orders."""
    lines = line("1", EAST), line("2", ""), line("3", "SHARED")
    assert translated(*lines, ship_from="store") == (["DC-1", "", ""], ["ship_from_unknown"], [])
    named = {"SHARED": "DC-3", EAST: "DC-9"}
    lines = line("1", EAST), line("2", ""), line("3", "SHARED")
    found = translated(*lines, ship_from="store", ship_from_nodes=named)
    assert found == (["DC-9", "", "DC-3"], [], [])


def test_a_location_without_a_node_rejects_the_order_or_warns() -> None:
    """With a warning the OMS decides."""
    assert translated(line("1", WEST), ship_from="store")[1:] == (["ship_from_unknown"], [])
    found = translated(line("1", WEST), ship_from="store", ship_from_unknown="warn")
    assert found == ([""], [], ["ship_from_unknown"])


@pytest.mark.parametrize(
    ("ship_from", "place", "warned"),
    [
        (None, "line", ["ship_from_not_sent"]),
        ("oms", "line", []),
        ("store", "nowhere", ["ship_from_not_sent"]),
    ],
)
def test_what_is_not_sent_is_visible_unless_that_was_decided(
    ship_from: str | None, place: NodePlace, warned: list[str]
) -> None:
    """Once for an order; without such a location there is nothing to say."""
    lines = line("1", EAST), line("2", WEST)
    assert translated(*lines, place=place, ship_from=ship_from) == (["", ""], [], warned)
    assert translated(line("1", ""), place=place, ship_from=ship_from) == ([""], [], [])


@pytest.mark.parametrize("other", ["", "WEST"])
def test_an_oms_with_one_node_for_an_order_gets_no_other_lines_node(other: str) -> None:
    """What is sent by e-mail ships from nowhere, and counts for neither."""
    policy = {"ship_from": "store", "ship_from_nodes": {WEST: "DC-4"}}
    lines = line("1", EAST), line("2", other)
    assert translated(*lines, place="order", **policy) == (["", ""], ["ship_from_differs"], [])
    lines = line("1", EAST), line("2", other)
    assert translated(*lines, place="line", **policy)[1:] == ([], [])
    lines = line("1", EAST), line("2", other, kind=LineKind.DIGITAL)
    assert translated(*lines, place="order", **policy) == (["DC-1", ""], [], [])
