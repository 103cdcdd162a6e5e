"""Omnichannel Inventory: absolute levels of SKUs at locations, with what orders have reserved.

Source: platforms.md 3.5 (``batch-update``, ``get-availability``, ``uploads``). What the documents
leave open is decided as follows: a refused row is named by its ``actionRequestId`` in the error's
``details``, and an import by its message only; an import begins after some looks at it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from sandbox.platforms.salesforce.replies import json_reply, refuse
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.org import Org

Json = dict[str, Any]
MOST_BYTES = 10 * 1024 * 1024
MOST = 100
"""SKUs of a call, and locations of one."""


class Inventory:
    """The levels of one org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.levels: dict[tuple[str, str], Json] = {}
        """(SKU, location) -> ``onHand``, ``reserved``, ``safetyStockCount``."""
        self._done: set[str] = set()
        self._uploads: dict[str, Json] = {}
        self.polls = 1
        """Looks at an import before it takes effect."""

    def upload(self, request: Request) -> Response:
        """Answer an upload of a file, whose import begins later."""
        kind, _, mark = request.headers.get("content-type", "").partition("; boundary=")
        head, _, rest = request.body.partition(b"\r\n\r\n")
        is_form = kind == "multipart/form-data" and head.startswith(f"--{mark}\r\n".encode())
        if not mark or not is_form or b'name="fileUpload"' not in head:
            raise refuse(400, "INVALID_INPUT", "fileUpload is missing")
        if len(request.body) > MOST_BYTES:
            raise refuse(413, "FILE_TOO_LARGE", "The file is larger than 10 MB.")
        lines = rest.partition(f"\r\n--{mark}--".encode())[0].split(b"\n")
        identifier = str(uuid4())
        rows = [orjson.loads(line) for line in lines]
        self._uploads[identifier] = {"rows": rows, "polls": self.polls, "status": None}
        self._org.counts["inventory_uploads"] += 1
        return json_reply({"uploadId": identifier}, 201)

    def uploaded(self, identifier: str) -> Response:
        """Answer how far an import is; it takes effect after some looks."""
        found = self._uploads.get(identifier)
        if found is None:
            raise refuse(404, "NOT_FOUND", "There is no such upload.")
        if found["polls"] > 0:
            found["polls"] -= 1
            return json_reply({"status": "IN_PROGRESS", "recordsReadCount": 0})
        found["status"] = found["status"] or self._import(found["rows"])
        return json_reply(found["status"])

    def _import(self, rows: list[Json]) -> Json:
        location, errors, processed = "", [], 0
        for row in rows:
            if "location" in row:
                location = row["location"] if row.get("mode") == "UPDATE" else ""
                continue
            values = {
                "stockKeepingUnit": row.get("sku"),
                "locationIdentifier": location,
                "actionRequestId": row["recordId"],
                "onHand": row["onHand"],
            }
            moment = datetime.fromisoformat(row["effectiveDate"])
            problem = self._put(values) if moment.tzinfo is not None else {"message": "no zone"}
            processed += problem is None
            errors += [problem["message"]] if problem is not None else []
        count = sum("location" not in row for row in rows)
        status = "COMPLETED_WITH_ERRORS" if errors else "COMPLETED"
        return {
            "status": status,
            "recordsReadCount": count,
            "recordsProcessedCount": processed,
            "recordsSkippedCount": count - processed,
            "validationErrors": errors,
        }

    def update(self, body: Json) -> Response:
        """Answer ``batch-update``: each row by itself."""
        records = body.get("records")
        if not isinstance(records, list) or not 0 < len(records) <= MOST:
            raise refuse(400, "INVALID_INPUT", f"records: 1 to {MOST} are allowed")
        errors = [each for record in records if (each := self._put(record)) is not None]
        self._org.counts["inventory_batches"] += 1
        return json_reply({"success": not errors, "errors": errors}, 201)

    def _put(self, record: Json) -> Json | None:
        sku, location = record["stockKeepingUnit"], record["locationIdentifier"]
        request = record["actionRequestId"]
        if not any(row["ExternalReference"] == location for row in self._org.book.rows("Location")):
            message = f"The location {location} does not exist."
            return {"errorCode": "LOCATION_NOT_FOUND", "message": message, "details": request}
        if not isinstance(sku, str) or not sku or record.get("onHand", 0) < 0:
            return {"errorCode": "INVALID_INPUT", "message": "Invalid record.", "details": request}
        if request not in self._done:
            self._done.add(request)
            self.set(sku, location, {"onHand": record["onHand"]})
            self._org.counts["inventory_writes"] += 1
        return None

    def set(self, sku: str, location: str, values: Json) -> None:
        """Set a level."""
        level = self.levels.get(
            (sku, location), {"onHand": 0, "reserved": 0, "safetyStockCount": 0}
        )
        self.levels[sku, location] = level | values

    def availability(self, body: Json) -> Response:
        """Answer ``get-availability``."""
        skus, locations = body.get("stockKeepingUnits") or [], body.get("locations") or []
        if not 0 < len(skus) <= MOST or not 0 < len(locations) <= MOST:
            raise refuse(400, "INVALID_INPUT", f"1 to {MOST} SKUs and locations are allowed")
        found = []
        for location in locations:
            rows = [
                {"stockKeepingUnit": sku, **shown(level)}
                for sku in skus
                if (level := self.levels.get((sku, location))) is not None
            ]
            found.append({"locationIdentifier": location, "inventoryRecords": rows})
        return json_reply({"success": True, "errors": [], "locations": found}, 201)

    def state(self) -> list[list[Any]]:
        """Return all levels."""
        return [[sku, location, level] for (sku, location), level in self.levels.items()]

    def restore(self, rows: list[list[Any]]) -> None:
        """Restore what ``state`` returned."""
        self.levels = {(sku, location): level for sku, location, level in rows}


def shown(level: Json) -> Json:
    """Return a level with what is available of it."""
    available = level["onHand"] - level["reserved"] - level["safetyStockCount"]
    return level | {"availableToFulfill": available, "availableToOrder": available, "exists": True}
