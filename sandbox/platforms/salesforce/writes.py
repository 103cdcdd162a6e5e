"""Writes of records: one, by external id, by collections of 200, and several in one composite.

Source: platforms.md 3.5. A composite takes at most 25 requests, of which five may be queries or
collections; with ``allOrNone`` nothing is kept of one in which a request fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from sandbox.kit.refused import Refused
from sandbox.platforms.salesforce import prices, returns
from sandbox.platforms.salesforce.replies import RowRefused, json_reply, refuse
from sandbox.platforms.salesforce.schema import OBJECTS, PREFIXES, SYSTEM
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.org import Org

Json = dict[str, Any]
MOST_ROWS, MOST_REQUESTS, MOST_COLLECTIONS = 200, 25, 5
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)\.([A-Za-z0-9_.\[\]]+)\}")
MANAGED = frozenset({"Status", "BillingStreet", "BillingCity"})
"""Fields of an order summary that are not written directly where the platform manages it."""


class Writes:
    """The writes to one org."""

    def __init__(self, org: Org) -> None:
        self._org, self._book = org, org.book
        self._is_within = False
        """A composite is answered that keeps all or nothing."""

    # -- a single record

    def create(self, name: str, values: Json) -> Response:
        """Answer ``POST /sobjects/{name}``."""
        row = self._written(name, values, None)
        return json_reply({"id": row["Id"], "success": True, "errors": []}, 201)

    def change(self, name: str, identifier: str, values: Json) -> Response:
        """Answer ``PATCH /sobjects/{name}/{id}``."""
        self._written(name, values, self._needed(name, identifier))
        return Response(204)

    def delete(self, name: str, identifier: str) -> Response:
        """Answer ``DELETE /sobjects/{name}/{id}``."""
        row = self._needed(name, identifier)
        self._book.put(name, {"Id": row["Id"], "IsDeleted": True})
        return Response(204)

    def upsert(
        self, name: str, field: str, value: str, values: Json, *, update_only: bool
    ) -> Response:
        """Answer ``PATCH /sobjects/{name}/{field}/{value}``: 201 if new, else 200."""
        if several := self._org.reads.several_found(name, self._book.by_key(name, field, value)):
            return several
        row, is_new = self._upserted(name, field, value, values, update_only=update_only)
        answer = {"id": row["Id"], "success": True, "errors": [], "created": is_new}
        return json_reply(answer, 201 if is_new else 200)

    # -- collections

    def collection(self, body: Json, name: str = "", field: str = "") -> Response:
        """Answer an update, a creation or an upsert of up to 200 records, row by row."""
        records = body.get("records")
        if not isinstance(records, list) or len(records) > MOST_ROWS:
            code = "EXCEEDED_ID_LIMIT" if isinstance(records, list) else "JSON_PARSER_ERROR"
            raise refuse(
                400, code, f"record limit reached. cannot submit more than {MOST_ROWS} records"
            )
        rows = (self._row(record, name, field) for record in records)
        return self._together(rows, is_whole=bool(body.get("allOrNone")))

    def deletions(self, ids: list[str], *, is_whole: bool) -> Response:
        """Answer ``DELETE /composite/sobjects?ids=...``."""
        if len(ids) > MOST_ROWS:
            message = f"record limit reached. cannot submit more than {MOST_ROWS} records"
            raise refuse(400, "EXCEEDED_ID_LIMIT", message)
        return self._together(map(self._deleted, ids), is_whole=is_whole)

    def _deleted(self, identifier: str) -> Json:
        try:
            self.delete(PREFIXES.get(identifier[:3], ""), identifier)
        except RowRefused as refusal:
            return refusal.row()
        return {"id": identifier, "success": True, "errors": []}

    def _together(self, results: Iterable[Json], *, is_whole: bool) -> Response:
        """Answer with the rows' results, of which a failed one takes the others back."""
        begins = is_whole and not self._is_within
        if begins:
            self._book.begin()
        rows = list(results)
        failed = any(not row["success"] for row in rows)
        if begins:
            self._book.end(takes_back=failed)
        if is_whole and failed:
            rolled = RowRefused("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back").row()
            rows = [rolled if row["success"] else row for row in rows]
        return json_reply(rows)

    def _row(self, record: Json, name: str, field: str) -> Json:
        kind = record.get("attributes", {}).get("type", name)
        values = {key: value for key, value in record.items() if key != "attributes"}
        try:
            if field:
                key = values.pop(field, None)
                if key is None:
                    raise RowRefused("MISSING_ARGUMENT", f"{field} not specified")
                row, is_new = self._upserted(kind, field, str(key), values, update_only=False)
                return {"id": row["Id"], "success": True, "errors": [], "created": is_new}
            identifier = values.pop("Id", None) or values.pop("id", None)
            known = self._needed(kind, identifier) if identifier else None
            row = self._written(kind, values, known)
            return {"id": row["Id"], "success": True, "errors": []}
        except RowRefused as refusal:
            return refusal.row()

    # -- a composite

    def composite(self, body: Json, answer: Callable[[Request], Response]) -> Response:
        """Answer several requests, of which later ones may refer to the answers of earlier ones."""
        parts = body.get("compositeRequest")
        if not isinstance(parts, list) or not 0 < len(parts) <= MOST_REQUESTS:
            raise refuse(400, "LIMIT_EXCEEDED", f"a composite has 1 to {MOST_REQUESTS} requests")
        large = [p for p in parts if re.search(r"/query|/composite/sobjects", p["url"])]
        if len(large) > MOST_COLLECTIONS:
            raise refuse(
                400, "LIMIT_EXCEEDED", f"at most {MOST_COLLECTIONS} queries and collections"
            )
        is_whole = bool(body.get("allOrNone"))
        counts = self._org.counts.copy()
        if is_whole:
            self._book.begin()
            self._is_within = True
        try:
            answers, failed = self._parts(parts, answer, is_whole=is_whole)
        finally:
            self._is_within = False
        if is_whole:
            self._book.end(takes_back=failed)
        if failed and is_whole:
            self._org.counts = counts
            answers = [a if _is_failed(a) else _halted(a) for a in answers]
        return json_reply({"compositeResponse": answers})

    def _parts(
        self, parts: list[Json], answer: Callable[[Request], Response], *, is_whole: bool
    ) -> tuple[list[Json], bool]:
        answers: list[Json] = []
        known: dict[str, Any] = {}
        failed = False
        for part in parts:
            if failed and is_whole:
                answers.append(_halted(part))
                continue
            found = self._part(part, known, answer)
            failed = failed or _is_failed(found)
            answers.append(found)
        return answers, failed

    def _part(self, part: Json, known: Json, answer: Callable[[Request], Response]) -> Json:
        url = _resolved(part["url"], known)
        path, _, query = url.partition("?")
        params = {
            n: [unquote(v.replace("+", " "))]
            for n, _, v in (q.partition("=") for q in query.split("&"))
            if n
        }
        content = _resolved(orjson.dumps(part.get("body", {})).decode(), known)
        inner = Request(part["method"], unquote(path), params, {}, content.encode())
        try:
            response = answer(inner)
        except Refused as refusal:
            response = refusal.response
        value = orjson.loads(response.body) if response.body else None
        known[part["referenceId"]] = value
        return {
            "body": value,
            "httpHeaders": {},
            "httpStatusCode": response.status,
            "referenceId": part["referenceId"],
        }

    # -- what a record must be

    def _needed(self, name: str, identifier: str) -> Json:
        row = self._book.get(name, identifier)
        if row is None or row["IsDeleted"]:
            code = "ENTITY_IS_DELETED" if row is not None else "NOT_FOUND"
            raise RowRefused(code, "The requested resource does not exist", status=404)
        return row

    def _upserted(
        self, name: str, field: str, value: str, values: Json, *, update_only: bool
    ) -> tuple[Json, bool]:
        if name not in OBJECTS or field not in OBJECTS[name].external_ids:
            raise RowRefused(
                "NOT_FOUND", f"Provided external ID field does not exist: {field}", status=404
            )
        found = self._book.by_key(name, field, value)
        if len(found) > 1:
            raise RowRefused(
                "DUPLICATE_VALUE", f"more than one record found for {field}", field, status=300
            )
        if not found and update_only:
            raise RowRefused("NOT_FOUND", "The requested resource does not exist", status=404)
        row = self._written(name, values | {field: value}, found[0] if found else None)
        return row, not found

    def _written(self, name: str, values: Json, before: Json | None) -> Json:
        if name not in OBJECTS or name in self._org.access.denied:
            raise RowRefused("INVALID_TYPE", f"sObject type '{name}' is not supported.", status=404)
        kind = OBJECTS[name]
        for field in values:
            if field not in kind.fields or field in SYSTEM or field == "Id":
                raise RowRefused(
                    "INVALID_FIELD", f"No such column '{field}' on sobject of type {name}", field
                )
            if field in kind.read_only:
                message = (
                    f"Unable to create/update fields: {field}. Please check the security settings."
                )
                raise RowRefused("INVALID_FIELD_FOR_INSERT_UPDATE", message, field)
        whole = (before or {}) | values
        missing = [field for field in kind.required if whole.get(field) in (None, "")]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise RowRefused("REQUIRED_FIELD_MISSING", message, *missing)
        for field, value in values.items():
            longest = kind.lengths.get(field)
            if longest is not None and isinstance(value, str) and len(value) > longest:
                message = f"{field}: data value too large (max length={longest})"
                raise RowRefused("STRING_TOO_LONG", message, field)
        self._check_references(name, values)
        if taken := self._book.taken_key(name, values, (before or {}).get("Id")):
            raise RowRefused("DUPLICATE_VALUE", f"duplicate value found: {taken}", taken)
        if (
            name == "OrderSummary"
            and whole["OrderLifeCycleType"] == "MANAGED"
            and values.keys() & MANAGED
        ):
            raise RowRefused("ORDER_MANAGEMENT_ACTION_NOT_ALLOWED", "The order summary is managed.")
        self._check_fulfilment(name, whole, is_new=before is None)
        if name == "PricebookEntry":
            prices.check(self._book, values, before)
        returns.check(self._book, name, values, before)
        self._org.lock(name, whole)
        self._org.counts[f"{name}{'Changed' if before else 'Created'}"] += 1
        row = self._book.put(name, values | ({"Id": before["Id"]} if before else {}))
        if name == "Product2" and row["StockKeepingUnit"]:
            self._org.products.setdefault(row["StockKeepingUnit"], row["Id"])
        return row

    def _check_fulfilment(self, name: str, whole: Json, *, is_new: bool) -> None:
        """A fulfilment order starts as a draft, and takes lines only while it is one."""
        if not is_new or name not in ("FulfillmentOrder", "FulfillmentOrderLineItem"):
            return
        parent = whole.get("FulfillmentOrderId") or ""
        row = whole if name == "FulfillmentOrder" else self._book.get("FulfillmentOrder", parent)
        if row is not None and row["Status"] != "Draft":
            message = f"The fulfillment order is {row['Status']}, and not a draft."
            raise RowRefused("FIELD_INTEGRITY_EXCEPTION", message, "Status")

    def _check_references(self, name: str, values: Json) -> None:
        for field, parent in OBJECTS[name].parents.items():
            if (value := values.get(field)) is not None:
                if not isinstance(value, str) or len(value) not in (15, 18):
                    raise RowRefused(
                        "MALFORMED_ID", f"{field}: id value of incorrect type: {value}", field
                    )
                if self._book.get(parent.object, value) is None:
                    raise RowRefused(
                        "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", field
                    )


def _resolved(text: str, known: Json) -> str:
    def value(found: re.Match[str]) -> str:
        answer: Any = known.get(found[1])
        for step in re.findall(r"[A-Za-z0-9_]+", found[2]):
            answer = answer[int(step)] if isinstance(answer, list) else (answer or {}).get(step)
        return str(answer)

    return _REFERENCE.sub(value, text)


def _has_failed_row(body: Any) -> bool:
    rows = body if isinstance(body, list) else []
    return any(isinstance(row, dict) and row.get("success") is False for row in rows)


def _is_failed(answer: Json) -> bool:
    return bool(answer["httpStatusCode"] >= 400 or _has_failed_row(answer["body"]))


def _halted(part: Json) -> Json:
    message = (
        "The transaction was rolled back since another operation in the same transaction failed."
    )
    body = [{"errorCode": "PROCESSING_HALTED", "message": message}]
    answer = {"body": body, "httpHeaders": {}, "httpStatusCode": 400}
    return answer | {"referenceId": part["referenceId"]}
