"""The content of a seed: order documents, the store's catalogue, the OMS's items and supply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Document = dict[str, Any]
AMPLE = 1_000_000  # for data without stock levels, so that no order fails for lack of supply


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A source row that can't become an order or part of one, with the reason."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class SeedSet:
    """Everything ``load.post`` sends; each call of ``documents`` starts a new pass over orders."""

    name: str
    documents: Callable[[], Iterator[Document]]
    products: list[Document]
    items: list[Document]
    supply: list[Document]
    locations: list[Document]
    store_locations: list[Document]
    currency: str
    first_day: date
    last_day: date
    customers: list[Document] = field(default_factory=list)
    """Registered customers, in the form of the first store's control."""
    unreadable: list[Unreadable] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    """Order id -> what is wrong with it, for deliberately bad orders; filled by ``documents``."""


def store_product(number: int, sku: str, name: str, price: str, **more: object) -> Document:
    """Return a product without options as in the V3 catalog; its base variant shares id and SKU."""
    return {
        "id": number,
        "name": name,
        "type": "physical",
        "sku": sku,
        "price": price,
        "inventory_tracking": "product",
        "is_visible": True,
        "base_variant_id": number,
    } | more


def oms_item(sku: str, description: str, unit: str = "EA") -> Document:
    """Return an entry of the OMS's item master."""
    return {"ItemId": sku, "Description": description, "BaseUOM": unit}


def ample_supply(skus: Iterable[str], location: str, quantity: int = AMPLE) -> list[Document]:
    """Return the same stock of every SKU at one OMS location."""
    return [{"item": sku, "location": location, "quantity": quantity} for sku in skus]


def oms_location(code: str, kind: str) -> Document:
    """Return an OMS location; ``kind`` is ``DC`` or ``Store``."""
    return {"LocationId": code, "LocationTypeId": kind}


def store_location(number: int, code: str, label: str, country: str) -> Document:
    """Return a location of the store's inventory, with the OMS location's code as the join key."""
    address = {
        "address1": f"{label} road 1",
        "city": label,
        "state": "",
        "zip": "",
        "email": "location@store.example",
        "country_code": country,
    }
    return {
        "id": number,
        "code": code,
        "label": label,
        "type_id": "PHYSICAL",
        "enabled": True,
        "managed_by_external_source": True,
        "address": address,
    }
