"""Paging and query lists of the V3 API."""

from __future__ import annotations

import math
from typing import Any

from sandbox.kit.refused import Refused
from sandbox.platforms.bigcommerce.replies import json_reply, v3_error
from sandbox.system import Response

Query = dict[str, list[str]]


def text_set(query: Query, *names: str) -> set[str] | None:
    """Read a comma-separated parameter; None if it is absent."""
    given = [value for name in names for value in query.get(name, ())]
    return {part for value in given for part in value.split(",") if part} if given else None


def integer_set(query: Query, *names: str) -> set[int] | None:
    """Read a comma-separated parameter of integers; anything else is refused with 422."""
    values = text_set(query, *names)
    try:
        return None if values is None else {int(value) for value in values}
    except ValueError as reason:
        raise Refused(v3_error(422, f"{names[0]} must hold integers.")) from reason


def paging_v3(query: Query, default: int, largest: int) -> tuple[int, int]:
    """Read ``page`` and ``limit``: 422 if not positive integers, 413 if the limit is too large."""
    try:
        page, limit = int(query.get("page", ["1"])[-1]), int(query.get("limit", [str(default)])[-1])
    except ValueError as reason:
        raise Refused(v3_error(422, "page and limit must be integers.")) from reason
    if page < 1 or limit < 1:
        raise Refused(v3_error(422, "page and limit must be positive."))
    if limit > largest:
        raise Refused(v3_error(413, f"limit {limit} is too large, the maximum is {largest}."))
    return page, limit


def envelope(data: list[Any], total: int, page: int, limit: int, query: Query) -> Response:
    """Wrap a page as ``{data, meta.pagination}``, without links to pages that do not exist."""
    pages = max(1, math.ceil(total / limit))
    rest = "".join(
        f"&{name}={value}"
        for name, values in query.items()
        if name not in ("page", "limit")
        for value in values
    )
    links = {"current": f"?page={page}&limit={limit}{rest}"}
    if page > 1:
        links["previous"] = f"?page={page - 1}&limit={limit}{rest}"
    if page < pages:
        links["next"] = f"?page={page + 1}&limit={limit}{rest}"
    pagination = {
        "total": total,
        "count": len(data),
        "per_page": limit,
        "current_page": page,
        "total_pages": pages,
        "links": links,
    }
    return json_reply({"data": data, "meta": {"pagination": pagination}})
