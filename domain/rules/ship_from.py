"""Where lines ship from, if the store names the location whose stock was sold. Pure.

A platform maps a line with the store's own code of that location. By a connection's policy it
becomes the OMS's node, or is left to the OMS, which then sources the line as any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from domain.errors import Problem
from domain.policies import InventoryPolicy, OrdersPolicy
from domain.records.orders import LineKind, OrderLine
from domain.records.record import amend

NodePlace: TypeAlias = Literal["line", "order", "nowhere"]
"""Where an OMS takes the node that an order ships from: of each line, or one of the order."""


class ShipFromRules:
    """Rules of one connection, for an OMS that takes nodes in ``place``."""

    def __init__(self, orders: OrdersPolicy, inventory: InventoryPolicy, place: NodePlace) -> None:
        self._decides, self._place = orders.ship_from, place
        self._rejects = orders.ship_from_unknown == "reject"
        self._nodes = {**_turned(inventory.nodes), **orders.ship_from_nodes}

    def translate(
        self, lines: Sequence[OrderLine], paths: Sequence[str], problems: list[Problem]
    ) -> tuple[Problem, ...]:
        """Put the OMS's nodes into the lines, or none, and return warnings.

        ``paths`` say where the store's document names the location of each line. ``problems`` gets
        what rejects the order.
        """
        named = [place for place, line in enumerate(lines) if line.node]
        if not named:
            return ()
        found: list[Problem] = []
        first = paths[named[0]]
        if self._decides is None:
            found.append(_not_sent(first, "orders.ship_from is not set"))
        elif self._decides == "store" and self._place == "nowhere":
            found.append(_not_sent(first, "the OMS has no field for it"))
        if self._decides != "store" or self._place == "nowhere":
            for place in named:
                amend(lines[place], "node", "")
            return tuple(found)
        for place in named:
            found += self._mapped(lines[place], paths[place])
        found += self._one_node(lines, first) if self._place == "order" and not found else []
        if not self._rejects:
            return tuple(found)
        problems += found
        return ()

    def _mapped(self, line: OrderLine, path: str) -> list[Problem]:
        source, node = line.node, self._nodes.get(line.node)
        if line.kind is not LineKind.PHYSICAL:
            node, source = "", ""
        amend(line, "node", node or "")
        if node or not source:
            return []
        message = "the location whose stock was sold is mapped to no node of the OMS"
        advice = "add the location's code to orders.ship_from_nodes"
        return [Problem("ship_from_unknown", path, message, advice, source[:80])]

    def _one_node(self, lines: Sequence[OrderLine], path: str) -> list[Problem]:
        """Return what is wrong with an order of several nodes, for an OMS that takes one."""
        goods = [line for line in lines if line.kind is LineKind.PHYSICAL]
        nodes = sorted({line.node for line in goods})
        if len(nodes) < 2:
            return []
        for line in goods:
            amend(line, "node", "")
        message = (
            "the lines ship from several nodes, or some from any; the OMS accepts one per order"
        )
        advice = (
            "split the order in the store; or set orders.ship_from_unknown to warn, so that the "
            "OMS chooses"
        )
        return [Problem("ship_from_differs", path, message, advice, ", ".join(nodes)[:80])]


def _not_sent(path: str, why: str) -> Problem:
    message = f"a line names the location whose stock was sold, which is not sent to the OMS: {why}"
    advice = "set orders.ship_from to oms, or to store if the OMS accepts nodes"
    return Problem("ship_from_not_sent", path, message, advice)


def _turned(nodes: Mapping[str, str]) -> dict[str, str]:
    """Return location of the store -> node, for those that one node alone feeds."""
    feeding = Counter(nodes.values())
    return {location: node for node, location in nodes.items() if feeding[location] == 1}
