"""States of workflows: the project's own, in which units of line items are, and their transitions.

Source: raml/types/state, raml/types/order/updates/OrderTransition*LineItemStateAction,
OrderTransitionStateAction. What the vendor leaves open is decided as follows: a transition of more
units than are in the state, or to a state that the current one does not list, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sandbox.platforms.commercetools.documents import INITIAL
from sandbox.platforms.commercetools.replies import invalid_input, refuse

if TYPE_CHECKING:
    from sandbox.platforms.commercetools.project import Project

Json = dict[str, Any]
OF_ITEMS = {"lineItems": "lineItemId", "customLineItems": "customLineItemId"}
PATHS = {
    "lineItems[*].state[*].state": "lineItems",
    "customLineItems[*].state[*].state": "customLineItems",
}


def initial(project: Project) -> Json:
    """Return the state that is a part of every project: new items are in it."""
    return project.envelope() | {
        "id": INITIAL["id"], "key": "Initial", "type": "LineItemState", "roles": [],
        "name": {"en": "Initial"}, "initial": True, "builtIn": True,
    }  # fmt: skip


def put_states(project: Project, rows: list[Json]) -> Json:
    """Make states by hand: ``key``, and any of ``type``, ``name``, ``transitions`` (keys)."""
    table, ids = project.states, []
    for row in rows:
        made = project.envelope() | {"type": "LineItemState", "initial": False, "builtIn": False}
        made |= {name: value for name, value in row.items() if name != "transitions"}
        if "transitions" in row:
            made["transitions"] = [
                {"typeId": "state", "id": table.need(key, "key")["id"]}
                for key in row["transitions"]
            ]
        project.keep(table, made, [], is_new=True)
        ids.append(made["id"])
    return {"ids": ids}


def expand(project: Project, order: Json, asked: list[str]) -> None:
    """Put states into their references where ``expand`` asks for them."""
    references = [order.get("state")] if "state" in asked else []
    for path, name in PATHS.items():
        if path in asked:
            for item in order.get(name, []):
                references += [entry.get("state") for entry in item.get("state") or []]
    for reference in references:
        found = project.states.get((reference or {}).get("id", ""))
        if reference is not None and found is not None:
            reference["obj"] = found


def transition_item(project: Project, order: Json, action: Json) -> list[Json]:
    """Move units of a line item or custom line item from one state to another."""
    item = _item_of(order, action)
    source, target = _state_of(project, action, "fromState"), _state_of(project, action, "toState")
    _check(source, target)
    quantity = action.get("quantity")
    if type(quantity) is not int or quantity <= 0:
        raise invalid_input(f"Request body does not contain valid JSON: quantity {quantity!r}")
    entries = {entry["state"]["id"]: entry for entry in item["state"]}
    held = entries.get(source["id"], {"quantity": 0})
    if held["quantity"] < quantity:
        message = f"There are not {quantity} units in state '{source['id']}'."
        raise refuse(400, "InvalidOperation", message)
    held["quantity"] -= quantity
    reference = {"typeId": "state", "id": target["id"]}
    kept = entries.setdefault(target["id"], {"quantity": 0, "state": reference})
    kept["quantity"] += quantity
    item["state"] = [entry for entry in entries.values() if entry["quantity"]]
    kind = "CustomLineItem" if action.get("customLineItemId") else "LineItem"
    name = f"{kind[0].lower()}{kind[1:]}Id"
    origin = {"typeId": "state", "id": source["id"]}
    moved: Json = {"fromState": origin, "toState": reference, "quantity": quantity}
    return [{"type": f"{kind}StateTransition", name: item["id"]} | moved]


def transition_order(project: Project, order: Json, action: Json) -> list[Json]:
    """Move an order to another state of its workflow."""
    target = _state_of(project, action, "state")
    old = project.states.get((order.get("state") or {}).get("id", ""))
    if old is not None:
        _check(old, target)
    order["state"] = {"typeId": "state", "id": target["id"]}
    return [{"type": "OrderStateTransition", "state": order["state"], "force": False}]


def by_hand(project: Project, identifier: str, body: Json) -> Json:
    """Move units as a merchant does: ``state`` (a key), ``sku`` or ``slug`` and ``quantity``.

    Units in any other state are moved, by default all; without an item the order itself.
    """
    order, wanted = project.orders.need(identifier), project.states.need(body["state"], "key")
    reference = {"typeId": "state", "id": wanted["id"]}
    kind = "OrderStateTransition"
    if not body.keys() & {"sku", "slug"}:
        order["state"] = reference
    else:
        kind = "LineItemStateTransition"
        [item] = [i for i in _items(order) if _is_named(i, body)]
        left = body.get("quantity", item["quantity"])
        entries = {entry["state"]["id"]: entry for entry in item["state"]}
        into = entries.setdefault(wanted["id"], {"quantity": 0, "state": reference})
        for entry in (e for e in entries.values() if e is not into):
            units = min(entry["quantity"], left)
            entry["quantity"] -= units
            into["quantity"] += units
            left -= units
        item["state"] = [entry for entry in entries.values() if entry["quantity"]]
    return project.keep(project.orders, order, [{"type": kind}])


def _is_named(item: Json, body: Json) -> bool:
    if "sku" in body:
        return bool(item.get("variant", {}).get("sku") == body["sku"])
    return bool(item.get("slug") == body["slug"])


def _items(order: Json) -> Iterator[Json]:
    for name in OF_ITEMS:
        yield from order.get(name, [])


def _item_of(order: Json, action: Json) -> Json:
    for name, given in OF_ITEMS.items():
        if action.get(given):
            found = [item for item in order.get(name, []) if item["id"] == action[given]]
            if found:
                item: Json = found[0]
                return item
    raise invalid_input("Request body does not contain valid JSON: the item is not on the order")


def _state_of(project: Project, action: Json, name: str) -> Json:
    given = action.get(name) or {}
    table = project.states
    found = table.get(given["id"]) if given.get("id") else None
    if given.get("key"):
        found = table.find("key", given["key"])
    if found is None:
        raise refuse(400, "ReferencedResourceNotFound", f"The state of {name} was not found.")
    return found


def _check(source: Json, target: Json) -> None:
    """Refuse a move that the workflow does not list; without a list every move is allowed."""
    allowed = source.get("transitions")
    if allowed is not None and target["id"] not in [one["id"] for one in allowed]:
        message = f"The transition to the state '{target['id']}' is not allowed."
        raise refuse(400, "InvalidOperation", message)
