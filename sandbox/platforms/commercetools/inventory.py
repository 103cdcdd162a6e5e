"""Inventory entries: one for each SKU and supply channel, with reservations.

``quantityOnStock`` is ``availableQuantity`` plus what is reserved; quantity actions set the former,
so a reservation stays. Source: raml/types/inventory, platforms.md 2.6.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from sandbox.platforms.commercetools.replies import (
    conflict,
    invalid_input,
    refuse,
)
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.commercetools.project import Project

Json = dict[str, Any]
OPTIONAL = ("key", "restockableInDays", "expectedDelivery", "minCartQuantity", "maxCartQuantity")


class Inventory:
    """Answers the calls about inventory."""

    def __init__(self, project: Project) -> None:
        self._project, self._table = project, project.inventory

    def handle(self, request: Request, parts: list[str]) -> Response:
        """Answer ``/inventory`` and below; ``parts`` follow ``inventory``."""
        return self._project.resource(
            request, self._table, parts, update=self._update, create=self.create
        )

    def create(self, draft: Json) -> Json:
        """Create an entry; there is one at most for a SKU and channel (UNVERIFIED error)."""
        sku, quantity = draft.get("sku"), draft.get("quantityOnStock")
        if not isinstance(sku, str) or not sku or type(quantity) is not int:
            raise invalid_input("Request body does not contain valid JSON: sku, quantityOnStock")
        channel = self._channel(draft.get("supplyChannel"))
        if self.find(sku, channel) is not None:
            message = f"A duplicate value '{sku}' exists for field 'sku'."
            raise refuse(400, "DuplicateField", message, field="sku", duplicateValue=sku)
        entry: Json = self._project.envelope() | {
            "sku": sku,
            "quantityOnStock": quantity,
            "availableQuantity": quantity,
        }
        if channel:
            entry["supplyChannel"] = {"typeId": "channel", "id": channel}
        entry |= {name: draft[name] for name in OPTIONAL if draft.get(name) is not None}
        self._project.count("InventoryEntryCreated")
        return self._project.keep(self._table, entry, [], is_new=True)

    def find(self, sku: str, channel: str) -> Json | None:
        """Return the entry of a SKU and channel id; an empty channel is none."""
        identifier = self._project.entries.get((sku, channel))
        return None if identifier is None else self._table.get(identifier)

    def _channel(self, given: Any) -> str:
        if given is None:
            return ""
        channels = self._project.channels
        by_id, by_key = given.get("id"), given.get("key")
        found = channels.get(by_id or "") if by_id else channels.find("key", by_key or "")
        if found is None:
            what = f"'{by_id or by_key}'"
            message = (
                f"The referenced object of type 'channel' with identifier {what} was not found."
            )
            raise refuse(
                400, "ReferencedResourceNotFound", message, typeId="channel", id=by_id or ""
            )
        if "InventorySupply" not in found["roles"]:
            message = "The channel misses the role InventorySupply."
            raise refuse(
                400,
                "MissingRoleOnChannel",
                message,
                missingRole="InventorySupply",
                channel={"typeId": "channel", "id": found["id"]},
            )
        return str(found["id"])

    def _update(self, entry: Json, body: Json) -> Json:
        version, actions = body.get("version"), body.get("actions")
        if type(version) is not int or not isinstance(actions, list):
            raise invalid_input("Request body does not contain valid JSON: version, actions")
        if version != entry["version"]:
            raise conflict(entry["version"])
        changed = copy.deepcopy(entry)
        reserved = entry["quantityOnStock"] - entry["availableQuantity"]
        for action in actions:
            self._apply(changed, action)
        changed["availableQuantity"] = changed["quantityOnStock"] - reserved
        if changed == entry:
            return entry
        old, new = entry["quantityOnStock"], changed["quantityOnStock"]
        message: Json = {
            "type": "InventoryEntryQuantitySet",
            "oldQuantityOnStock": old,
            "newQuantityOnStock": new,
            "oldAvailableQuantity": entry["availableQuantity"],
            "newAvailableQuantity": changed["availableQuantity"],
        }
        self._project.count("InventoryEntryQuantitySet")
        return self._project.keep(self._table, changed, [message] if old != new else [])

    def _apply(self, entry: Json, action: Json) -> None:
        kind = action.get("action")
        if kind in ("changeQuantity", "addQuantity", "removeQuantity"):
            quantity = action.get("quantity")
            if type(quantity) is not int:
                raise invalid_input("Request body does not contain valid JSON: quantity")
            before = 0 if kind == "changeQuantity" else entry["quantityOnStock"]
            entry["quantityOnStock"] = (
                before - quantity if kind == "removeQuantity" else (before + quantity)
            )
        elif kind in ("setRestockableInDays", "setExpectedDelivery", "setKey"):
            name = kind[3].lower() + kind[4:]
            entry.pop(name, None)
            if action.get(name) is not None:
                entry[name] = action[name]
        else:
            raise invalid_input(f"Request body does not contain valid JSON: action {kind!r}")
