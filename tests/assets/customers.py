"""Customers of the scene's store, and what the tenant holds of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg

from domain.exchange import WebhookEvent
from resources.ledger.captures import inbox
from tests.assets.scene import NAME, Scene

Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "customers")
ADA: Json = {
    "first_name": "Adalheid",
    "last_name": "Brightwater",
    "company": "Brightwater Kilns",
    "phone": "+1 512-555-0142",
}
"""A person whose names occur nowhere else."""


def address(number: int, **changes: Any) -> Json:
    """Return an address of a customer's address book."""
    return {
        "id": number,
        "first_name": ADA["first_name"],
        "last_name": ADA["last_name"],
        "address1": f"{number} Kingfisher Row",
        "city": "Austin",
        "state_or_province": "Texas",
        "postal_code": "78701",
        "country_code": "US",
        "country": "United States",
        "phone": ADA["phone"],
    } | changes


def customer(number: int, moment: datetime | None = None, **changes: Any) -> Json:
    """Return a customer with one address; without a time it is changed now."""
    dated = {} if moment is None else {"date_modified": moment.isoformat()}
    own = {"id": number, "email": f"ada{number}@example.org", "addresses": [address(number * 10)]}
    return {**ADA, **own, **dated, **changes}


def register(scene: Scene, *customers: Json) -> None:
    """Register customers at the store, or change them."""
    scene.to_store("customers", list(customers))


def announce(scene: Scene, number: int, scope: str) -> None:
    """Receive a webhook about a customer."""
    event = WebhookEvent(uuid4().hex, "customers", str(number), f"store/customer/{scope}")
    with psycopg.connect(scene.database, autocommit=True) as db:
        assert inbox.put(db, NAME, "platform", [event]) == 1


def held(scene: Scene) -> dict[str, Json]:
    """Return the tenant's customers by id: ``document``, ``creates``, ``saves``."""
    rows = scene._ask(f"{scene.oms_kind}/{scene.store}/effects/customers")
    return {row["document"]["CustomerId"]: row for row in rows}


def truth(scene: Scene, system: str) -> dict[str, Json]:
    """Return a system's customers neutrally, by id."""
    [found] = scene._ask(f"{system}/{scene.store}/truth")
    return {row["id"]: row for row in found["customers"]}
