"""A scene between a BigCommerce store and an Anchanto account."""

from __future__ import annotations

from typing import Any

from domain.connections import Installation
from tests.assets.scene import NAME, TIME_OUT, Scene, installation_of

Json = dict[str, Any]


class AnchantoScene(Scene):
    """The connection ``acme`` between the sandbox's store and account of one name."""

    oms_kind = "anchanto"

    def installation_with(self, **sections: Any) -> Installation:
        """Return the configuration with changed sections, between the store and the account."""
        base = installation_of(self.url, self.store, self._secrets, **sections)
        document = base.model_dump(mode="json", exclude_unset=True)
        connection = document["connections"][NAME]
        connection["oms"] = self.section() | sections.get("oms", {})
        return Installation.model_validate(document)

    def section(self) -> Json:
        """Return the section ``oms``; the password is in a file."""
        file = self._secrets / "anchanto-password"
        file.touch(mode=0o600)
        file.write_text("sandbox-anchanto-password")
        return {
            "kind": "anchanto",
            "experimental": True,
            "base_url": f"{self.url}/anchanto/{self.store}/rest/v1",
            "account": self.store,
            "store_code": "WEB",
            "email": "sync@example.com",
            "password": {"file": str(file)},
            "requests_per_second": 1_000,
            "timeout": TIME_OUT,
            "snapshot_ttl": "PT0S",
        }

    def truth(self) -> dict[str, Json]:
        """Return what the account holds of each order, by number."""
        rows: list[Json] = self._ask(f"anchanto/{self.store}/truth")[0]["orders"]
        return {row["id"]: row for row in rows}

    def document(self, number: int) -> Json:
        """Return an order as the account shows it."""
        found: Json = self._ask(f"anchanto/{self.store}/effects/order/{number}")[0]["document"]
        return found

    def effects(self) -> tuple[Any, ...]:
        """Return the number of all effects at both systems, to compare before and after."""
        store, oms = self.store_counts(), self.oms_counts()
        names = ("shipments", "status_changes", "inventory_batches", "inventory_writes")
        at_store = tuple(store[name] for name in names)
        return at_store + tuple(oms[name] for name in ("creates", "cancels", "duplicates"))

    def shipped(self, number: int) -> dict[str, tuple[str, dict[int, int]]]:
        """Return the store's shipments of an order: tracking number -> carrier, units by line."""
        return {
            row["tracking_number"]: (
                row["tracking_carrier"],
                {item["order_product_id"]: item["quantity"] for item in row["items"]},
            )
            for row in self._ask(f"bigcommerce/{self.store}/dump/shipments")
            if row["order_id"] == number
        }

    def status(self, number: int) -> int:
        """Return the status of an order in the store."""
        found: int = self.store_orders()[number]["status_id"]
        return found
