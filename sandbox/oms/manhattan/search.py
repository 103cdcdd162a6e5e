"""Reading orders: by id, and by query with template, sort and page (oms.md 1.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from sandbox.oms.manhattan.bodies import parse_page
from sandbox.oms.manhattan.book import OrderRecord
from sandbox.oms.manhattan.envelope import Refused, answer, error, paged
from sandbox.oms.manhattan.query import Condition, parse_query
from sandbox.oms.manhattan.state import State
from sandbox.system import Request, Response

Json = dict[str, Any]

NOT_FOUND = 404

_COLUMNS = {
    "OrderId": "order_id",
    "AlternateOrderId": "alternate_id",
    "OrgId": "org_id",
    "UpdatedTimestamp": "updated_ms",
    "CreatedTimestamp": "created_ms",
    "MinFulfillmentStatusId": "min_status",
    "MaxFulfillmentStatusId": "max_status",
}
"""Attributes that can be found without parsing the order."""


def read_order(state: State, order_id: str) -> Response:
    """Answer ``GET /order/api/order/order/orderId/{id}``."""
    return answer(orjson.Fragment(find(state, order_id).read()))


def find(state: State, order_id: str) -> OrderRecord:
    """Look an order up; raises Refused (404) if it does not exist."""
    record = state.book.records.get(order_id)
    if record is None:
        raise Refused(
            error(
                "ORDER_NOT_FOUND", f"Order {order_id} does not exist", keys={"OrderId": order_id}
            ),
            status=NOT_FOUND,
        )
    return record


def search_orders(state: State, request: Request) -> Response:
    """Answer ``POST /order/api/order/order/search``."""
    body, page, size = parse_page(request, state.settings.max_page_size)
    found = _found(state, body)
    template = body.get("Template")
    rows: list[Any] = []
    for record in found[page * size : (page + 1) * size]:
        raw = record.read()
        rows.append(_pick(orjson.loads(raw), template) if template else orjson.Fragment(raw))
    return paged(rows, len(found), page, size)


def _found(state: State, body: Json) -> list[OrderRecord]:
    """Find and sort; the pages of one search share a result until an order changes."""
    key = repr((body.get("Query"), body.get("Sort")))
    if state.last_search is not None and state.last_search[:2] == (key, state.book.version):
        return state.last_search[2]
    conditions = parse_query(body.get("Query"))
    found = [
        record
        for record in _candidates(state, conditions)
        if all(_meets(record, c) for c in conditions)
    ]
    for attribute, descending in reversed(_sort_of(body.get("Sort"))):
        found.sort(
            key=lambda record, name=attribute: _sort_key(record, name),  # type: ignore[misc]
            reverse=descending,
        )
    state.last_search = (key, state.book.version, found)
    return found


def _candidates(state: State, conditions: list[Condition]) -> Iterable[OrderRecord]:
    """Narrow by id or by the earliest time of change, so that a poll avoids a full scan."""
    lower: int | None = None
    for condition in conditions:
        if condition.attribute == "OrderId" and condition.operator in ("=", "in"):
            wanted = (state.book.records.get(value) for value in dict.fromkeys(condition.values))
            return sorted(
                (r for r in wanted if r is not None), key=lambda r: (r.updated_ms, r.order_id)
            )
        if condition.attribute == "UpdatedTimestamp" and condition.operator in (">=", ">"):
            lower = max(lower or 0, condition.typed[0])
    return state.book.since(lower)


def _meets(record: OrderRecord, condition: Condition) -> bool:
    column = _COLUMNS.get(condition.attribute)
    if column is not None:
        return condition.holds(getattr(record, column))
    values = _values(record.load(), condition.attribute.split("."))
    return any(condition.holds(value) for value in values) if values else condition.holds(None)


def _values(entity: Any, path: list[str]) -> list[Any]:
    """Follow a dotted attribute through objects and lists: ``OrderLine.ItemId``."""
    if isinstance(entity, list):
        return [value for element in entity for value in _values(element, path)]
    if not path:
        return [] if entity is None else [entity]
    return _values(entity.get(path[0]), path[1:]) if isinstance(entity, dict) else []


def _sort_of(sort: Any) -> list[tuple[str, bool]]:
    entries = [sort] if isinstance(sort, dict) else sort or []
    if not isinstance(entries, list):
        raise Refused(error("INVALID_SORT", f"Sort {sort!r} is not a list", field="Sort"))
    result: list[tuple[str, bool]] = []
    for entry in entries:
        given = entry if isinstance(entry, dict) else {}
        attribute = given.get("attribute") or given.get("Attribute")
        direction = str(given.get("direction") or given.get("Direction") or "asc").lower()
        if not isinstance(attribute, str) or not attribute or direction not in ("asc", "desc"):
            raise Refused(
                error(
                    "INVALID_SORT",
                    f"Sort entry {entry!r} has no attribute or no direction",
                    field="Sort",
                )
            )
        result.append((attribute, direction == "desc"))
    return result


def _sort_key(record: OrderRecord, attribute: str) -> Any:
    column = _COLUMNS.get(attribute)
    if column is not None:
        return getattr(record, column)
    values = _values(record.load(), attribute.split("."))
    return str(values[0]) if values else ""


def _pick(entity: Any, template: Any) -> Any:
    """Keep the template's attributes; an empty or null template part means everything."""
    if isinstance(template, list):
        template = template[0] if template else None
    if not isinstance(template, dict) or not template:
        return entity
    if isinstance(entity, list):
        return [_pick(element, template) for element in entity]
    if not isinstance(entity, dict):
        return entity
    return {name: _pick(entity[name], part) for name, part in template.items() if name in entity}
