"""A scene between a BigCommerce store and the folder; the scene plays the warehouse, too."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from domain.connections import Installation
from tests.assets.scene import NAME, Scene, installation_of
from tests.connectors.toy.settings import KIND

Json = dict[str, Any]


class ToyScene(Scene):
    """The connection ``acme`` between the sandbox's store and a folder of the test."""

    oms_kind = KIND

    @property
    def folder(self) -> Path:
        """Return the folder of the OMS."""
        return self._secrets / KIND

    def installation_with(self, **sections: Any) -> Installation:
        """Return the configuration with changed sections, between the store and the folder."""
        # A folder has no item master to look SKUs up in.
        without = {"orders": {"check_items": False}, "inventory": {"missing_item": "zero"}}
        merged = {name: section | sections.pop(name, {}) for name, section in without.items()}
        base = installation_of(self.url, self.store, self._secrets, **merged, **sections)
        document = base.model_dump(mode="json", exclude_unset=True)
        connection = document["connections"][NAME]
        connection["oms"] = {"kind": KIND, "folder": str(self.folder)}
        return Installation.model_validate(document)

    def to_oms(self, path: str, body: Any, method: str = "POST") -> Json:
        """Set the stock of ``supply``; the folder has no list of items or places."""
        del method
        (self.folder / "orders").mkdir(parents=True, exist_ok=True)
        if path == "supply":
            rows = [f"{row['item']},{row['quantity']}" for row in body]
            (self.folder / "stock.csv").write_text("\n".join(["sku,available", *rows, ""]))
        return {}

    def ship(self, number: int, tracking: str) -> None:
        """Send all of an order in one parcel."""
        order = self.order(number)
        lines = [{"line": line["line"], "units": line["units"]} for line in order["lines"]]
        shipment = {
            "id": f"P-{number}",
            "order": str(number),
            "carrier": "UPS",
            "tracking": tracking,
            "at": datetime.now(UTC).isoformat(),
            "lines": lines,
        }
        with (self.folder / "shipments.jsonl").open("ab") as file:
            file.write(orjson.dumps(shipment) + b"\n")

    def order(self, number: int) -> Json:
        """Return an order's file."""
        found: Json = orjson.loads((self.folder / "orders" / f"{number}.json").read_bytes())
        return found

    def oms_files(self) -> dict[str, tuple[int, bytes]]:
        """Return each order's file with the number of what it was written as, to compare."""
        return {
            path.name: (path.stat().st_ino, path.read_bytes())
            for path in (self.folder / "orders").iterdir()
        }

    def at_store(self) -> tuple[Any, ...]:
        """Return the number of all effects at the store."""
        counts = self.store_counts()
        names = ("shipments", "status_changes", "inventory_batches", "inventory_writes")
        return tuple(counts[name] for name in names)
