"""What agents' actions leave of an order, whatever version of it the store has. Pure.

The rules, for an order that an action has changed and that then changes in the store:

- A canceled order stays canceled.
- Canceled units are not sent again. The store's order may be corrected to what is left, which is no
  further cancellation; units that the store adds afterwards are sent.
- What a delivered version of the store's order has superseded is over, also where a later one is
  again as it was before: an address that has changed, units that the order no longer had.
- An agent's hold stays until an agent releases it.
- A rerouted line keeps the agent's address until the store's own address of it changes: that is
  newer. A node that an agent has chosen stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from domain.addressing.addresses import Address
from domain.currencies import minor_unit
from domain.identity import content_digest
from domain.records.actions import Amendment, LineCut, Redirect
from domain.records.orders import FulfilmentGroup, Order, OrderLine

ZERO = Decimal(0)
OF_THE_RECIPIENT = (
    "first_name",
    "last_name",
    "phone_e164",
    "phone_extension",
    "phone_raw",
    "email",
)
"""Parts of an address that are not of its place."""


class _Place(NamedTuple):
    """Where a line goes and from where, as far as agents have decided it."""

    address: Address | None
    node: str


def address_digest(address: Address | None) -> str:
    """Return a digest of an address's place, by which a later one is recognised.

    A corrected name, phone or e-mail makes it no other place.
    """
    if address is not None:
        address = replace(address, **dict.fromkeys(OF_THE_RECIPIENT, ""))
    return content_digest(msgspec.json.encode(address)).hex()


def amended(order: Order, amendments: Sequence[Amendment]) -> Order:
    """Return the order as the OMS must have it; ``amendments`` in the order of their actions."""
    if not amendments:
        return order
    if order.canceled:
        return order
    lines = _cut(order, amendments)
    if any(one.canceled for one in amendments) or not lines:
        return replace(order, canceled=True, hold=None)
    groups, lines = _redirected(order, lines, amendments)
    return replace(order, lines=lines, groups=groups, agent_holds=holds_of(amendments))


def holds_of(amendments: Sequence[Amendment]) -> tuple[str, ...]:
    """Return the holds that agents have set and not released, in their order."""
    holds: dict[str, None] = {}
    for one in amendments:
        holds |= dict.fromkeys(one.holds)
        for released in one.released:
            holds.pop(released, None)
    return tuple(holds)


def units_left(line: OrderLine, amendments: Sequence[Amendment]) -> Decimal:
    """Return what the OMS has to ship of a line, in its unit."""
    cut = _cuts(amendments).get(line.line_id)
    return line.quantity if cut is None else _left(line.quantity, cut.before, cut.left)


def units_wanted(
    now: Mapping[str, Decimal], before: Mapping[str, Decimal], left: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """Return by SKU the units of an order's version that agents have not canceled.

    ``now`` are those of the version, whose lines may not be readable; ``before`` those of another
    one, and ``left`` what agents have left of these.
    """
    return {
        sku: _left(units, before.get(sku, ZERO), left.get(sku, ZERO)) for sku, units in now.items()
    }


def superseded(order: Order, amendment: Amendment) -> Amendment:
    """Return what is left of an amendment once this version of its order was delivered."""
    lines = {line.line_id: line for line in order.lines}
    groups = {group.group_id: group for group in order.groups}
    cuts = tuple(
        replace(cut, before=line.quantity, left=line.quantity)
        if (line := lines.get(cut.line_id)) is not None and line.quantity <= cut.left
        else cut
        for cut in amendment.cuts
    )
    redirects: list[Redirect] = []
    for one in amendment.redirects:
        line = lines.get(one.line_id)
        if (
            line is None
            or one.address is None
            or one.replaced == address_digest(groups[line.group_id].address)
        ):
            redirects.append(one)
        elif one.node:
            redirects.append(Redirect(line_id=one.line_id, node=one.node))
    return replace(amendment, cuts=cuts, redirects=tuple(redirects))


def _cuts(amendments: Sequence[Amendment]) -> Mapping[str, LineCut]:
    """Return the last cut of each line: each states what is left after those before it."""
    return {cut.line_id: cut for one in amendments for cut in one.cuts}


def _left(quantity: Decimal, before: Decimal, left: Decimal) -> Decimal:
    """Return what is left of a quantity if ``left`` was left of what it was ``before``."""
    return min(quantity, left + max(ZERO, quantity - before))


def _cut(order: Order, amendments: Sequence[Amendment]) -> tuple[OrderLine, ...]:
    cuts = _cuts(amendments)
    if not cuts:
        return order.lines
    smallest = minor_unit(order.currency)
    lines: list[OrderLine] = []
    for line in order.lines:
        cut = cuts.get(line.line_id)
        left = line.quantity if cut is None else _left(line.quantity, cut.before, cut.left)
        if left == line.quantity:
            lines.append(line)
        elif left > 0:
            lines.append(_of_units(line, left, smallest))
    return tuple(lines)


def _of_units(line: OrderLine, units: Decimal, smallest: Decimal) -> OrderLine:
    """Return a line with fewer units, and their share of its discounts, taxes and charges."""
    share = units / line.quantity

    def part(amount: Decimal) -> Decimal:
        return (amount * share).quantize(smallest, ROUND_HALF_UP)

    return replace(
        line,
        quantity=units,
        line_total=line.line_total - line.unit_price * (line.quantity - units),
        discounts=tuple(replace(one, amount=part(one.amount)) for one in line.discounts),
        taxes=tuple(replace(one, amount=part(one.amount)) for one in line.taxes),
        charges=tuple(
            replace(one, amount=part(one.amount), tax=part(one.tax)) for one in line.charges
        ),
    )


def _redirected(
    order: Order, lines: Sequence[OrderLine], amendments: Sequence[Amendment]
) -> tuple[tuple[FulfilmentGroup, ...], tuple[OrderLine, ...]]:
    """Return groups and lines, with a group of its own for each place that agents have chosen."""
    redirects: dict[str, list[Redirect]] = {}
    for one in amendments:
        for redirect in one.redirects:
            redirects.setdefault(redirect.line_id, []).append(redirect)
    if not redirects:
        return order.groups, tuple(lines)
    groups = {group.group_id: group for group in order.groups}
    added: dict[tuple[str, _Place], str] = {}
    moved: list[OrderLine] = []
    for line in lines:
        group = groups[line.group_id]
        place = _place(group, redirects.get(line.line_id, ()))
        if place == _Place(None, ""):
            moved.append(line)
            continue
        name = added.setdefault((group.group_id, place), f"{group.group_id}~{len(added) + 1}")
        moved.append(replace(line, group_id=name))
    further = [
        replace(
            groups[group_id],
            group_id=name,
            address=place.address or groups[group_id].address,
            node=place.node,
            texts=(),
        )
        for (group_id, place), name in added.items()
    ]
    return (*order.groups, *further), tuple(moved)


def _place(group: FulfilmentGroup, redirects: Sequence[Redirect]) -> _Place:
    address, node, now = None, "", address_digest(group.address)
    for redirect in redirects:
        if redirect.address is not None:
            address = redirect.address if redirect.replaced == now else None
        node = redirect.node or node
    return _Place(address, node)
