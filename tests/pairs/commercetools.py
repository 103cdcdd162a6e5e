"""A scene with a commercetools project instead of the store: orders, deliveries, stock."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from domain.connections import Installation
from resources.ledger.monitoring.activation import resume
from resources.lockstep import Lockstep
from tests.assets import documents
from tests.assets.scene import HISTORY, NAME, TIME_OUT, Scene, installation_of
from tests.sandbox.simulated_project import an_order

Json = dict[str, Any]
LINE = "5f1d3c57-8f4c-4b63-9d0a-{:08d}{:04d}"


class ProjectScene(Scene):
    """The connection ``acme`` between a project and a tenant of the sandbox."""

    def configure(self, **sections: Any) -> None:
        """Use a changed configuration, with the project as the platform."""
        if self.lockstep is not None:
            self.lockstep.close()
        self.installation = self._installation(sections)
        self.lockstep = Lockstep(self.installation, lambda: self.database)
        with psycopg.connect(self.database, autocommit=True) as db:
            resume(db, NAME, self.installation.connections[NAME].streams, "test")
            db.execute(
                """UPDATE sync.activation
                   SET changed_at = now() - interval '1 year', started_at = NULL"""
            )
        self._definitions = None

    def _installation(self, sections: Json) -> Installation:
        other = installation_of(self.url, self.store, self._secrets)
        base = other.connections[NAME].model_dump(mode="json")
        secret = self.secret_file("client", f"sandbox-secret-{self.store}")
        address = f"{self.url}/commercetools/{self.store}"
        base["platform"] = {
            "kind": "commercetools",
            "project_key": self.store,
            "client_id": "lockstep",
            "client_secret": {"file": secret},
            "api_url": address,
            "auth_url": address,
            "requests_per_second": 100_000,
            "timeout": TIME_OUT,
        }
        for name, section in sections.items():
            base[name] = base.get(name, {}) | section if isinstance(section, dict) else section
        start = datetime.now(UTC).date() - HISTORY
        return Installation.model_validate({"start_date": start, "connections": {NAME: base}})

    def secret_file(self, name: str, value: str) -> str:
        """Write a secret to a file of its own, and return its path."""
        file = self._secrets / name
        file.touch(mode=0o600)
        file.write_text(value)
        return str(file)

    def to_store(self, path: str, body: Any, method: str = "POST") -> Json:
        """Make a control call of the project."""
        if path == "catalog":  # the base's products are another vendor's
            body = [{"sku": sku} for sku in documents.SKUS]
        return self._control(method, f"commercetools/{self.store}/{path}", body)

    def place_order(self, number: int, **changes: Any) -> Json:
        """Place an order of yesterday with known ids of its lines, and return it."""
        order = an_order(str(number), self.moment().isoformat(), **changes)
        order["lineItems"] = [
            line | {"id": LINE.format(number, place)}
            for place, line in enumerate(order["lineItems"], 1)
        ]
        [order_id] = self.to_store("orders", [order])["ids"]
        return self.order(order_id)

    def order(self, order_id: str) -> Json:
        """Return an order as the project holds it."""
        rows = self._ask(f"commercetools/{self.store}/dump/orders")
        [found] = [row for row in rows if row["id"] == order_id]
        found_order: Json = found
        return found_order

    def truth(self) -> Json:
        """Return what the project holds, neutrally."""
        return self._ask(f"commercetools/{self.store}/truth")[0]

    def parcels(self) -> list[tuple[str, dict[str, int]]]:
        """Return tracking number and units by SKU of each parcel that the project shows."""
        return [
            (parcel["tracking"], {line["sku"]: line["quantity"] for line in parcel["lines"]})
            for order in self.truth()["orders"]
            for parcel in order["parcels"]
        ]

    def store_counts(self) -> Json:
        """Return the project's count of calls and effects."""
        return self._ask(f"commercetools/{self.store}/counts")[0]

    def effects(self) -> tuple[Any, ...]:
        """Return all effects at both systems, to compare before and after."""
        store, oms = self.store_counts(), self.oms_counts()
        store.pop("requests", None)
        return tuple(sorted(store.items())), *(
            oms[name] for name in ("creates", "saves", "cancels")
        )


def project_scene(url: str, database: str, store: str, secrets: Path) -> ProjectScene:
    """Return a scene of its own for a test."""
    return ProjectScene(url, database, store, secrets)
