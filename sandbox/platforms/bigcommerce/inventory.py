"""``/v3/inventory``: adjustments, items and locations."""

from __future__ import annotations

import uuid
from typing import Any

from sandbox.platforms.bigcommerce import dates
from sandbox.platforms.bigcommerce.paging import envelope, integer_set, paging_v3, text_set
from sandbox.platforms.bigcommerce.replies import json_reply, parse_body, refuse_problem
from sandbox.platforms.bigcommerce.shapes import misfit
from sandbox.platforms.bigcommerce.stock import MAX_ITEMS, SETTINGS, Level, Stock
from sandbox.system import Request, Response

Json = dict[str, Any]
Query = dict[str, list[str]]

DEFAULT_LIMIT, MAX_LIMIT = 50, 1000
ENTRY: dict[str, tuple[type, ...]] = {
    "identity": (dict,),
    "safety_stock": (int,),
    "is_in_stock": (bool,),
    "warning_level": (int,),
    "bin_picking_number": (str,),
}
"""Types of a location's settings of an item."""


def complete_location(given: Json, number: int, now: int) -> Json:
    """Fill in a location (locations.v3.yml, LocationResponse)."""
    address = {
        "address1": "",
        "address2": "",
        "city": "",
        "state": "",
        "zip": "",
        "email": "store@example.com",
        "phone": "",
    }
    location = {
        "id": number,
        "code": f"LOC-{number}",
        "label": f"Location {number}",
        "description": "",
        "managed_by_external_source": False,
        "type_id": "PHYSICAL",
        "enabled": True,
        "time_zone": "Etc/UTC",
        "created_at": dates.to_iso(now),
        "updated_at": dates.to_iso(now),
        "storefront_visibility": True,
        "special_hours": [],
    }
    return (
        location
        | given
        | {"id": number, "address": address | {"country_code": "US"} | (given.get("address") or {})}
    )


class InventoryApi:
    """Answers the inventory endpoints; writes take effect ``delay_ms`` after their answer."""

    def __init__(self, stock: Stock, now: Any) -> None:
        self.stock, self.now = stock, now
        self.delay_ms = 0

    def handle(self, parts: list[str], request: Request) -> Response:
        """Answer a call; ``parts`` is the path after ``inventory``."""
        self.stock.settle(self.now())
        match request.method, parts:
            case "PUT", ["adjustments", "absolute"]:
                return self._adjust(request, relative=False)
            case "POST", ["adjustments", "relative"]:
                return self._adjust(request, relative=True)
            case "GET", ["items"]:
                return self._items(request.query)
            case "GET", ["locations"]:
                return self._locations(request.query)
            case method, ["locations", number, "items"] if number.isdigit() and method in (
                "GET",
                "PUT",
            ):
                return self._at(int(number), request)
        raise refuse_problem(404, "The requested resource was not found.")

    def _adjust(self, request: Request, relative: bool) -> Response:
        body = parse_body(request.body)
        items = body.get("items") if isinstance(body, dict) else None
        self.stock.adjust(items, relative, self.now() + self.delay_ms / 1000, self.now())
        return json_reply({"transaction_id": str(uuid.uuid4())})

    def _tracked(self, query: Query) -> list[Json]:
        """Select the identities of tracked items, ordered by variant id."""
        catalog = self.stock.catalog
        skus, variants, products = (
            text_set(query, "sku:in"),
            integer_set(query, "variant_id:in"),
            integer_set(query, "product_id:in"),
        )
        found = []
        for product in catalog.products.values():
            tracking = product["inventory_tracking"]
            if tracking == "none" or (products is not None and product["id"] not in products):
                continue
            for number in (
                product["variant_ids"][:1] if tracking == "product" else product["variant_ids"]
            ):
                sku = (
                    product["sku"] or catalog.variants[number]["sku"]
                    if tracking == "product"
                    else catalog.variants[number]["sku"]
                )
                if (skus is None or sku in skus) and (variants is None or number in variants):
                    found.append(
                        {
                            "sku": sku,
                            "variant_id": number,
                            "product_id": product["id"],
                            "sku_id": number,
                        }
                    )
        return sorted(found, key=lambda identity: int(identity["variant_id"]))

    def _items(self, query: Query) -> Response:
        page, limit = paging_v3(query, DEFAULT_LIMIT, MAX_LIMIT)
        found = self._tracked(query)
        wanted, codes = integer_set(query, "location_id:in"), text_set(query, "location_code:in")
        places = [
            place
            for place in self.stock.locations.values()
            if (wanted is None or place["id"] in wanted)
            and (codes is None or place["code"] in codes)
        ]
        data = [
            {
                "identity": item,
                "locations": [self._at_place(item["variant_id"], place) for place in places],
            }
            for item in found[(page - 1) * limit : page * limit]
        ]
        return envelope(data, len(found), page, limit, query)

    def _at_place(self, variant_id: int, place: Json) -> Json:
        level = self.stock.levels.get((variant_id, place["id"]), Level())
        named = {
            "location_id": place["id"],
            "location_code": place["code"],
            "location_name": place["label"],
        }
        return named | {"location_enabled": place["enabled"]} | _show(level)

    def _locations(self, query: Query) -> Response:
        page, limit = paging_v3(query, DEFAULT_LIMIT, MAX_LIMIT)
        wanted, codes = integer_set(query, "location_id:in"), text_set(query, "location_code:in")
        first = min(self.stock.locations, default=0)
        default = query.get("is_default", [""])[-1]
        found = [
            place
            for number, place in sorted(self.stock.locations.items())
            if (wanted is None or number in wanted)
            and (codes is None or place["code"] in codes)
            and (default not in ("true", "false") or (number == first) == (default == "true"))
        ]
        return envelope(found[(page - 1) * limit : page * limit], len(found), page, limit, query)

    def _at(self, number: int, request: Request) -> Response:
        if number not in self.stock.locations:
            raise refuse_problem(404, f"Location with id {number} was not found")
        if request.method == "PUT":
            return self._set(number, parse_body(request.body))
        page, limit = paging_v3(request.query, DEFAULT_LIMIT, MAX_LIMIT)
        found = self._tracked(request.query)
        data = []
        for item in found[(page - 1) * limit : page * limit]:
            identity = {key: item[key] for key in ("sku", "variant_id", "product_id")}
            data.append(
                {"identity": identity}
                | _show(self.stock.levels.get((item["variant_id"], number), Level()))
            )
        return envelope(data, len(found), page, limit, request.query)

    def _set(self, location: int, body: Any) -> Response:
        entries = body.get("settings") if isinstance(body, dict) else None
        if not isinstance(entries, list) or not entries or len(entries) > MAX_ITEMS:
            raise refuse_problem(
                422,
                "Payload contains invalid fields",
                {"settings": f"1 to {MAX_ITEMS} settings are required"},
            )
        chosen = []
        for index, entry in enumerate(entries):
            if not isinstance(entry, dict) or misfit(entry, ENTRY):
                raise refuse_problem(
                    422, "Payload contains invalid fields", {f"setting.{index}": "is invalid"}
                )
            settings = {name: entry[name] for name in SETTINGS if name in entry}
            if not settings:
                missing = (
                    "At least one setting must be specified: "
                    "warning_level, is_in_stock or safety_stock"
                )
                raise refuse_problem(
                    422, "Payload contains invalid fields", {f"setting.{index}.settings": missing}
                )
            chosen.append((self.stock.identify(entry.get("identity") or {}), settings))
        for variant_id, settings in chosen:
            level = self.stock.levels.setdefault((variant_id, location), Level())
            for name, value in settings.items():
                setattr(level, name, value)
        return json_reply({"transaction_id": str(uuid.uuid4())})


def _show(level: Level) -> Json:
    settings = {name: getattr(level, name) for name in SETTINGS}
    return {
        "available_to_sell": level.sellable(),
        "total_inventory_onhand": level.quantity,
        "settings": settings,
    }
