"""The item master.

The contract names no call for it. ``POST /item/api/item/item/search`` with ``Query: ItemId in
(...)`` and the attributes answered here are our assumption, modelled on the search call of the
order component. ``save`` is documented; which attributes it needs is our assumption. ``UOM`` is the
base unit; ``AlternateUOM`` lists the others.
"""

from __future__ import annotations

from typing import Any

from sandbox.oms.manhattan.bodies import parse_object, parse_page, text_in
from sandbox.oms.manhattan.envelope import Refused, answer, error, paged
from sandbox.oms.manhattan.query import parse_query
from sandbox.oms.manhattan.state import State
from sandbox.system import Request, Response

Json = dict[str, Any]
LONGEST_ID, LONGEST_DESCRIPTION = 255, 250


def load_items(state: State, rows: list[Json]) -> int:
    """Add or replace items ``{ItemId, UOM, Description, ...}`` and return the number of items."""
    for row in rows:
        uom = row.get("UOM") or row.get("BaseUOM") or "EA"
        state.items[str(row["ItemId"])] = {
            "Description": "",
            "AlternateUOM": [],
            **row,
            "UOM": uom,
            "BaseUOM": uom,
        }
    return len(state.items)


def save_item(state: State, request: Request) -> Response:
    """Create or change one item by its id; what is not named stays."""
    body = parse_object(request)
    item_id = text_in(body, "ItemId")
    if not item_id or len(item_id) > LONGEST_ID:
        raise Refused(error("MISSING_ATTRIBUTE", "ItemId is missing or too long", field="ItemId"))
    description = body.get("Description")
    if not isinstance(description, str) or len(description) > LONGEST_DESCRIPTION:
        text = "Description is missing or too long"
        raise Refused(error("INVALID_ATTRIBUTE", text, field="Description"))
    is_new = item_id not in state.items
    state.counts["item.creates" if is_new else "item.updates"] += 1
    load_items(state, [{**state.items.get(item_id, {}), **body}])
    return answer({"ItemId": item_id})


def search_items(state: State, request: Request) -> Response:
    """Answer the item search, sorted by ItemId."""
    body, page, size = parse_page(request, state.settings.max_page_size)
    conditions = parse_query(body.get("Query"))
    wanted = next(
        (c.values for c in conditions if c.attribute == "ItemId" and c.operator in ("=", "in")),
        None,
    )
    ids = sorted(state.items) if wanted is None else sorted(set(wanted) & state.items.keys())
    if not conditions:  # a page of the whole list, which may be long
        rows = [state.items[i] for i in ids[page * size : (page + 1) * size]]
        return paged(rows, len(ids), page, size)
    rows = [state.items[i] for i in ids]
    rows = [row for row in rows if all(c.holds(row.get(c.attribute)) for c in conditions)]
    return paged(rows[page * size : (page + 1) * size], len(rows), page, size)
