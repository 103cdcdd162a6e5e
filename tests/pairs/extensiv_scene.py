"""A scene between a BigCommerce store and an Extensiv account."""

from __future__ import annotations

from typing import Any

import orjson

from domain.connections import Installation
from tests import loopback
from tests.assets.scene import NAME, TIME_OUT, Scene, installation_of

Json = dict[str, Any]


class ExtensivScene(Scene):
    """The connection ``acme`` between the sandbox's store and account of one name."""

    oms_kind = "extensiv"

    def installation_with(self, **sections: Any) -> Installation:
        """Return the configuration with changed sections, between the store and the account."""
        base = installation_of(self.url, self.store, self._secrets, **sections)
        document = base.model_dump(mode="json", exclude_unset=True)
        connection = document["connections"][NAME]
        connection["oms"] = self.section() | sections.get("oms", {})
        return Installation.model_validate(document)

    def section(self) -> Json:
        """Return the section ``oms``; the keys are in files."""
        keys: Json = {}
        for level in ("cart", "merchant"):
            file = self._secrets / f"{level}-key"
            file.touch(mode=0o600)
            file.write_text(f"sandbox-{level}-key")
            keys |= {f"{level}_user": f"{level}-user", f"{level}_key": {"file": str(file)}}
        return {
            "kind": "extensiv",
            "base_url": f"{self.url}/extensiv/{self.store}/v1",
            "merchant": self.store,
            "calls_per_minute": 60_000,
            "orders_per_second": 1_000,
            "timeout": TIME_OUT,
            **keys,
        }

    def truth(self) -> dict[str, Json]:
        """Return what the account holds of each order, by id."""
        answer = loopback.request("GET", f"{self.url}/_sandbox/extensiv/{self.store}/truth")
        return {row["id"]: row for row in orjson.loads(answer.content)["orders"]}

    def view(self, cust_ref: str) -> Json:
        """Return an order as the account shows it."""
        url = f"{self.url}/_sandbox/extensiv/{self.store}/effects/order/{cust_ref}"
        document: Json = orjson.loads(loopback.request("GET", url).content)["document"]
        return document

    def effects(self) -> tuple[Any, ...]:
        """Return the number of all effects at both systems, to compare before and after."""
        store, oms = self.store_counts(), self.oms_counts()
        names = ("shipments", "status_changes", "inventory_batches", "inventory_writes")
        at_store = tuple(store[name] for name in names)
        return at_store + tuple(oms[name] for name in ("creates", "cancels", "duplicates"))

    def shipped(self, number: int) -> dict[str, tuple[str, dict[int, int]]]:
        """Return the store's shipments of an order: id -> number, and units by line."""
        return {
            str(row["id"]): (
                row["tracking_number"],
                {item["order_product_id"]: item["quantity"] for item in row["items"]},
            )
            for row in self._ask(f"bigcommerce/{self.store}/dump/shipments")
            if row["order_id"] == number
        }

    def status(self, number: int) -> int:
        """Return the status of an order in the store."""
        found: int = self.store_orders()[number]["status_id"]
        return found
