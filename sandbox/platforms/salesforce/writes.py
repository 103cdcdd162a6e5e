"""Writes of records: one, by external id, and by collections of 200 (platforms.md 3.5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sandbox.platforms.salesforce import prices, returns
from sandbox.platforms.salesforce.replies import RowRefused, json_reply, refuse
from sandbox.platforms.salesforce.schema import OBJECTS, PREFIXES
from sandbox.platforms.salesforce.sobject import SYSTEM
from sandbox.system import Response

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.org import Org

Json = dict[str, Any]
MOST_ROWS = 200
MANAGED = frozenset({"Status", "BillingStreet", "BillingCity"})
"""Fields of an order summary that are not written directly where the platform manages it."""


class Writes:
    """The writes to one org."""

    def __init__(self, org: Org) -> None:
        self._org, self._book = org, org.book
        self.is_within = False
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
        rows = (self.row(record, name, field) for record in records)
        return self._together(rows, is_whole=bool(body.get("allOrNone")))

    def deletions(self, ids: list[str], *, is_whole: bool) -> Response:
        """Answer ``DELETE /composite/sobjects?ids=...``."""
        if len(ids) > MOST_ROWS:
            message = f"record limit reached. cannot submit more than {MOST_ROWS} records"
            raise refuse(400, "EXCEEDED_ID_LIMIT", message)
        return self._together(map(self.deleted, ids), is_whole=is_whole)

    def deleted(self, identifier: str) -> Json:
        """Delete a record and return its result."""
        try:
            self.delete(PREFIXES.get(identifier[:3], ""), identifier)
        except RowRefused as refusal:
            return refusal.row()
        return {"id": identifier, "success": True, "errors": []}

    def _together(self, results: Iterable[Json], *, is_whole: bool) -> Response:
        """Answer with the rows' results, of which a failed one takes the others back."""
        begins = is_whole and not self.is_within
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

    def row(self, record: Json, name: str, field: str) -> Json:
        """Write a record, by an external id where ``field`` is one, and return its result."""
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
