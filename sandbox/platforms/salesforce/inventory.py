"""Omnichannel Inventory: absolute levels of SKUs at locations, with what orders have reserved.

Source: platforms.md 3.5 (``batch-update``, ``get-availability``). What the documents leave open is
decided as follows: a refused row is named by its ``actionRequestId`` in the error's ``details``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.platforms.salesforce.replies import json_reply, refuse
from sandbox.system import Response

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.org import Org

Json = dict[str, Any]
MOST = 100
"""SKUs of a call, and locations of one."""


class Inventory:
    """The levels of one org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.levels: dict[tuple[str, str], Json] = {}
        """(SKU, location) -> ``onHand``, ``reserved``, ``safetyStockCount``."""
        self._done: set[str] = set()

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
