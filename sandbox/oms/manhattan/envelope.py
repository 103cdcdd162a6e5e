"""The response envelope of every Manhattan answer (oms.md 1.2)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson

from sandbox.system import Response

Json = dict[str, Any]

_JSON = {"Content-Type": "application/json;charset=UTF-8"}


def message(
    kind: str, code: str, description: str, *, field: str | None = None, keys: Json | None = None
) -> Json:
    """Build one entry of ``messages.Message``; ``kind`` is ERROR, WARNING or INFO."""
    return {
        "Type": kind,
        "Code": code,
        "Description": description,
        "ErrorCode": None,
        "ErrorField": field,
        "BusinessKeys": keys,
    }


def error(
    code: str, description: str, *, field: str | None = None, keys: Json | None = None
) -> Json:
    """Build an ERROR entry."""
    return message("ERROR", code, description, field=field, keys=keys)


class Refused(Exception):
    """A request that the tenant refuses as a whole, with the messages to answer."""

    def __init__(self, *messages: Json, status: int | None = None) -> None:
        super().__init__("; ".join(entry["Description"] for entry in messages))
        self.messages = list(messages)
        self.status = status
        """``None`` = the tenant's code for business errors."""


def answer(data: Any, messages: list[Json] | None = None, header: Json | None = None) -> Response:
    """Wrap a successful answer, which may still carry business problems in its messages."""
    return _wrap(200, success=True, data=data, messages=messages or [], header=header, uri=None)


def refuse(refused: Refused, default_status: int, uri: str) -> Response:
    """Wrap a refusal."""
    status = refused.status or default_status
    return _wrap(status, success=False, data=None, messages=refused.messages, header=None, uri=uri)


def _wrap(
    status: int,
    *,
    success: bool,
    data: Any,
    messages: list[Json],
    header: Json | None,
    uri: str | None,
) -> Response:
    first = None if success or not messages else messages[0]
    body = {
        "success": success,
        "header": header,
        "data": data,
        "messageKey": first and first["Code"],
        "message": first and first["Description"],
        "errors": [],
        "exceptions": [],
        "messages": {"Message": messages, "Size": len(messages)},
        "rootCause": None,
        "requestUri": uri,
        "statusCode": HTTPStatus(status).name,
    }
    return Response(status, orjson.dumps(body), dict(_JSON))


def paged(rows: list[Any], total: int, page: int, size: int) -> Response:
    """Wrap one page of a search; ``totalCount`` is a string and ``page`` starts at 0."""
    return answer(rows, header={"totalCount": str(total), "page": page, "size": size})


def plain(body: Any, status: int = 200) -> Response:
    """Answer plain JSON, as the token endpoint and the control calls do."""
    return Response(status, orjson.dumps(body), {"Content-Type": "application/json"})
