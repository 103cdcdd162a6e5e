"""Prices: batches of products and variants, and price lists with their records.

price_lists.v3.yml, products_catalog.v3.yml, product-variants_catalog.v3.yml. What the vendor leaves
open is decided as follows: a batch with one bad row changes nothing, a record's missing field
keeps its value, null and 0 mean no sale price, and a base variant has no price of its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from sandbox.kit.refused import Refused
from sandbox.kit.truth import TruePrice
from sandbox.platforms.bigcommerce import dates
from sandbox.platforms.bigcommerce.catalog import Catalog
from sandbox.platforms.bigcommerce.paging import envelope, integer_set, paging_v3, text_set
from sandbox.platforms.bigcommerce.replies import json_reply, parse_body, v3_error
from sandbox.system import Request, Response

Json = dict[str, Any]
STORE_CURRENCY = "USD"
PRODUCTS_A_CALL, VARIANTS_A_CALL, RECORDS_A_CALL = 10, 50, 1000
AMOUNTS = ("price", "sale_price", "retail_price", "map_price")


class Prices:
    """The price lists of one store, and what was written to its catalog's prices."""

    def __init__(self, catalog: Catalog, now: Any) -> None:
        self.catalog, self.now = catalog, now
        self.lists: dict[int, Json] = {}
        self.records: dict[tuple[int, int, str], Json] = {}
        """By price list, variant and currency in lower case."""
        self.writes = 0
        """Rows that API calls have written."""

    def update_products(self, request: Request) -> Response:
        """Answer ``PUT /catalog/products``: prices only, which is what a batch is used for here."""
        rows = _rows(request, PRODUCTS_A_CALL)
        found = [self._checked(row, self.catalog.products, ("id",)) for row in rows]
        for row, product in zip(rows, found, strict=True):
            product |= {name: row[name] for name in AMOUNTS if name in row}
            product["date_modified"] = dates.to_iso(self.now())
            self.writes += 1
        return json_reply({"data": [self._shown(product) for product in found], "meta": {}})

    def update_variants(self, request: Request) -> Response:
        """Answer ``PUT /catalog/variants``."""
        rows = _rows(request, VARIANTS_A_CALL)
        found = [self._checked(row, self.catalog.variants, ("id",)) for row in rows]
        for variant in found:
            if variant["sku_id"] is None:
                raise Refused(_batch_error(f"variant {variant['id']} is a base variant"))
        for row, variant in zip(rows, found, strict=True):
            variant |= {name: row[name] for name in AMOUNTS if name in row}
            self.writes += 1
        return json_reply({"data": [self._shown(variant) for variant in found], "meta": {}})

    def handle(self, rest: list[str], request: Request) -> Response:
        """Answer a call below ``/pricelists``."""
        if not rest or not rest[0].isdigit() or int(rest[0]) not in self.lists:
            raise Refused(v3_error(404, "The price list was not found."))
        number = int(rest[0])
        match request.method, rest[1:]:
            case "GET", []:
                return json_reply({"data": self.lists[number], "meta": {}})
            case "GET", ["records"]:
                return self._list(number, request)
            case "PUT", ["records"]:
                return self._upsert(number, request)
        raise Refused(v3_error(404, "The requested resource was not found."))

    def _list(self, number: int, request: Request) -> Response:
        page, limit = paging_v3(request.query, 50, 250)
        variants = integer_set(request.query, "variant_id:in")
        currencies = text_set(request.query, "currency")
        found = [
            record
            for (of_list, variant, currency), record in sorted(self.records.items())
            if of_list == number
            and (variants is None or variant in variants)
            and (currencies is None or currency in currencies)
        ]
        chosen = found[(page - 1) * limit : page * limit]
        return envelope(
            [self._shown(one) for one in chosen], len(found), page, limit, request.query
        )

    def _upsert(self, number: int, request: Request) -> Response:
        rows = _rows(request, RECORDS_A_CALL)
        for row in rows:
            self._checked(row, self.catalog.variants, ("variant_id", "currency"), "variant_id")
        for row in rows:
            self.put_record(number, row)
            self.writes += 1
        return json_reply({"data": {}, "meta": {}})

    def put_record(self, number: int, row: Json) -> None:
        """Create or change a record."""
        key = (number, row["variant_id"], str(row["currency"]).lower())
        variant = self.catalog.variants[row["variant_id"]]
        before = self.records.get(key) or {
            "price_list_id": number,
            "variant_id": row["variant_id"],
            "product_id": variant["product_id"],
            "currency": key[2],
            "bulk_pricing_tiers": [],
            "date_created": dates.to_iso(self.now()),
        }
        amounts = {name: row[name] for name in AMOUNTS if name in row}
        self.records[key] = before | amounts | {"date_modified": dates.to_iso(self.now())}

    def _checked(
        self, row: Any, known: dict[int, Json], needed: tuple[str, ...], key: str = "id"
    ) -> Json:
        """Return what a row is about; a bad row refuses the batch."""
        if not isinstance(row, dict) or any(name not in row for name in needed):
            raise Refused(_batch_error(f"a row needs {', '.join(needed)}"))
        for name in AMOUNTS:
            value = row.get(name)
            if isinstance(value, bool) or not isinstance(value, int | float | None):
                raise Refused(_batch_error(f"{name} is not a number"))
            if value is not None and value < 0:
                raise Refused(_batch_error(f"{name} is negative"))
        if row[key] not in known:
            raise Refused(_batch_error(f"{key} {row[key]} was not found"))
        return known[row[key]]

    def _shown(self, row: Json) -> Json:
        return {k: v for k, v in row.items() if k != "variant_ids" and v is not None}

    # -- what a merchant does, and what the store holds

    def set_by_hand(self, entries: list[Json]) -> int:
        """Set prices by SKU: ``{sku, price, sale_price, price_list?, currency?}``."""
        for entry in entries:
            variant = self.catalog.variants[self.catalog.by_sku[entry["sku"]]]
            amounts = {name: entry[name] for name in AMOUNTS if name in entry}
            if "price_list" in entry:
                row = amounts | {"variant_id": variant["id"], "currency": entry["currency"]}
                self.put_record(int(entry["price_list"]), row)
            elif variant["sku_id"] is None:
                self.catalog.products[variant["product_id"]] |= amounts
            else:
                variant |= amounts
        return len(entries)

    def put_list(self, given: Json) -> int:
        """Add a price list."""
        number = int(given.get("id") or max(self.lists, default=0) + 1)
        stamp = dates.to_iso(self.now())
        self.lists[number] = {"date_created": stamp, "date_modified": stamp, "active": True} | {
            "name": f"List {number}",
            **given,
            "id": number,
        }
        return number

    def truth(self) -> list[TruePrice]:
        """Return what shoppers are asked for each variant's SKU, and all records of lists."""
        shown: list[TruePrice] = []
        for variant in self.catalog.variants.values():
            product = self.catalog.products[variant["product_id"]]
            price = product["price"] if variant.get("price") is None else variant["price"]
            own = variant.get("sale_price") or product.get("sale_price")
            shown.append(_true(variant["sku"], "", STORE_CURRENCY, price, own))
        for (number, variant_id, currency), record in sorted(self.records.items()):
            sku = self.catalog.variants[variant_id]["sku"]
            amounts = record.get("price"), record.get("sale_price")
            shown.append(_true(sku, str(number), currency.upper(), *amounts))
        return shown

    def state(self) -> Json:
        """Return what a snapshot keeps."""
        return {
            "lists": list(self.lists.values()),
            "records": list(self.records.values()),
            "writes": self.writes,
        }

    def restore(self, state: Json) -> None:
        """Restore what ``state`` returned."""
        self.lists = {row["id"]: row for row in state.get("lists", ())}
        self.records = {
            (row["price_list_id"], row["variant_id"], row["currency"]): row
            for row in state.get("records", ())
        }
        self.writes = state.get("writes", 0)


def _true(sku: str, price_list: str, currency: str, price: Any, sale: Any) -> TruePrice:
    return {
        "sku": sku,
        "price_list": price_list,
        "currency": currency,
        "regular": _text(price),
        "sale": _text(sale) if sale and sale != price else "",
    }


def _text(amount: Any) -> str:
    return f"{Decimal(str(amount or 0)).normalize():f}"


def _rows(request: Request, most: int) -> list[Any]:
    body = parse_body(request.body)
    if not isinstance(body, list):
        raise Refused(v3_error(422, "The request body must be a JSON array."))
    if len(body) > most:
        raise Refused(v3_error(413, f"The maximum items allowed in the array is {most}"))
    return body


def _batch_error(title: str) -> Response:
    body = {"status": 422, "title": title, "type": "", "errors": {}}
    content = {"title": title, "status": 422, "batch_errors": [body]}
    return Response(422, orjson.dumps(content), {"Content-Type": "application/json"})
