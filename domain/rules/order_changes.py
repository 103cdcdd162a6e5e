"""What of an order a warehouse would have to do otherwise, compared between two versions. Pure.

Only lines, and where and how they go: money, payments and texts change nothing in a parcel.
"""

from __future__ import annotations

from domain.records.orders import FulfilmentGroup, Order


def physical_changes(before: Order, after: Order) -> tuple[str, ...]:
    """Return the paths of what differs, without values: those of addresses are personal."""
    found: list[str] = []
    old, new = ({line.line_id: line for line in order.lines} for order in (before, after))
    places, others = (_places(order) for order in (before, after))
    for line_id in dict.fromkeys([*old, *new]):
        path = f"lines[{line_id}]"
        if line_id not in old or line_id not in new:
            found.append(path)
            continue
        one, other = old[line_id], new[line_id]
        found += [
            f"{path}.{name}"
            for name in ("sku", "quantity", "uom", "node")
            if getattr(one, name) != getattr(other, name)
        ]
        place, now = places[one.group_id], others[other.group_id]
        found += [
            f"groups[{other.group_id}].{name}"
            for name in ("method", "shipping_method", "location", "address", "recipient_email")
            if getattr(place, name) != getattr(now, name)
        ]
    return tuple(dict.fromkeys(found))


def _places(order: Order) -> dict[str, FulfilmentGroup]:
    return {group.group_id: group for group in order.groups}
