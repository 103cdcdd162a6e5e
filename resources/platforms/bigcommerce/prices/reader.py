"""Reads what a store shows: the prices of its catalog, and the records of its price lists.

The catalog has one price for each variant, in the store's default currency; a variant without one
of its own has the product's. A price list has a record for each variant and currency, or none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from domain.errors import PermanentError, Problem
from domain.parsing.answers import CONTRACT
from domain.parsing.scalars import UnreadableValue, WrittenAmount, amount_of
from domain.prices import OWN_PRICES, PricePlace, PriceTag, StorePrice
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.client import (
    document_of,
    entries_of,
    pages_of,
    require_scope,
    scope_check,
)
from resources.platforms.bigcommerce.prices.payload import (
    PRICE_LISTS,
    PRICE_RECORDS,
    PRICED_PRODUCTS,
    STORE_CURRENCIES,
    PricedProduct,
)
from resources.platforms.bigcommerce.settings import CATALOG_PAGE, PRICE_LIST_PAGE

PRODUCT, VARIANT, RECORD = "product_price", "variant_price", "list_price"
"""Operations: prices of a product, of a variant, of a variant in a price list."""
REGULAR = "/regular"
"""Follows the address of a variant whose product is on sale: without a sale price of its own it
would be, too, so that none is written as the regular price."""
IDS_A_CALL = 100
PRODUCTS_PATH = "/v3/catalog/products"
READS_PRICES = scope_check("store_v2_products_read_only")


class PriceReader:
    """Reads the prices of one store."""

    def __init__(self, http: ApiClient) -> None:
        self._http = http

    def prices(self, places: Collection[PricePlace]) -> dict[str, StorePrice]:
        """Return what the store shows, by the key of each place."""
        by_list: dict[str, list[PricePlace]] = {}
        for place in places:
            by_list.setdefault(place.price_list, []).append(place)
        found: dict[str, StorePrice] = {}
        for price_list, of_list in by_list.items():
            if price_list == OWN_PRICES:
                found |= self._of_catalog(of_list)
            else:
                found |= self._of_list(price_list, of_list)
        return found

    def currency(self) -> str:
        """Return the store's default currency, which all prices of its catalog are in."""
        reply = self._http.request("GET", "/v2/store")
        require_scope(reply, "store_v2_information_read_only")
        stated = document_of(reply, STORE_CURRENCIES).currency
        if not isinstance(stated, str) or not stated.strip():
            raise PermanentError(f"{reply.where} answered without a currency: {CONTRACT}")
        return stated.strip().upper()

    def list_problem(self, price_list: str) -> Problem | None:
        """Return why a price list can't be written to, ``None`` if it can."""
        path = f"/v3/pricelists/{price_list}"
        if not price_list.isascii() or not price_list.isdigit():
            return _unknown_list(price_list, "a price list of BigCommerce has a number")
        reply = self._http.request("GET", path)
        if reply.status == 404:
            return _unknown_list(price_list, "the store has no such price list")
        require_scope(reply, "store_v2_products_read_only")
        document_of(reply, PRICE_LISTS)
        return None

    def _of_catalog(self, places: Sequence[PricePlace]) -> dict[str, StorePrice]:
        currency = self.currency()
        found: dict[str, StorePrice] = {}
        wanted: list[PricePlace] = []
        for place in places:
            if place.currency == currency:
                wanted.append(place)
            else:
                found[place.key] = StorePrice(PRODUCT, problem=_other_currency(place, currency))
        products = self._products({place.item.parent_id for place in wanted})
        for place in wanted:
            found[place.key] = _in_catalog(place, products.get(place.item.parent_id))
        return found

    def _products(self, ids: Collection[str]) -> dict[str, PricedProduct]:
        numbers = sorted({int(text) for text in ids if text.isdigit()})
        found: dict[str, PricedProduct] = {}
        for start in range(0, len(numbers), IDS_A_CALL):
            chunk = numbers[start : start + IDS_A_CALL]
            params: dict[str, str | int] = {
                "id:in": ",".join(map(str, chunk)),
                "include": "variants",
                "include_fields": "price,sale_price",
                "limit": CATALOG_PAGE,
            }
            seen = 0
            for page in pages_of(self._http, PRODUCTS_PATH, params, READS_PRICES):
                where = f"BigCommerce: GET {PRODUCTS_PATH}"
                for product in entries_of(where, page, PRICED_PRODUCTS):
                    found[str(product.id)] = product
                seen += len(page)
                if seen >= len(chunk):
                    break  # each product is on the list once, so nothing can follow
        return found

    def _of_list(self, price_list: str, places: Sequence[PricePlace]) -> dict[str, StorePrice]:
        found: dict[str, StorePrice] = {}
        if problem := self.list_problem(price_list):
            return {place.key: StorePrice(RECORD, problem=problem) for place in places}
        by_currency: dict[str, list[PricePlace]] = {}
        for place in places:
            if place.item.item_id is None:
                found[place.key] = StorePrice(RECORD, problem=_needs_variant(place))
            else:
                by_currency.setdefault(place.currency, []).append(place)
        for currency, of_currency in by_currency.items():
            ids = [str(place.item.item_id) for place in of_currency]
            tags = self._records(price_list, currency, ids)
            for place in of_currency:
                variant = str(place.item.item_id)
                found[place.key] = StorePrice(RECORD, tags.get(variant), variant, price_list)
        return found

    def _records(
        self, price_list: str, currency: str, variants: Sequence[str]
    ) -> dict[str, PriceTag]:
        """Return variant -> price; a record without a price of its own falls back to the catalog's.

        Such a record counts as none.
        """
        path = f"/v3/pricelists/{price_list}/records"
        tags: dict[str, PriceTag] = {}
        for chunk in _chunks(sorted(set(variants))):
            params: dict[str, str | int] = {
                "variant_id:in": ",".join(chunk),
                "currency": currency.lower(),
                "limit": PRICE_LIST_PAGE,
            }
            seen = 0
            for page in pages_of(self._http, path, params, READS_PRICES):
                where = f"BigCommerce: GET {path}"
                for record in entries_of(where, page, PRICE_RECORDS):
                    if str(record.currency or "").upper() != currency:
                        continue
                    tag = _tag(where, record.price, record.sale_price)
                    if tag is not None:
                        tags[str(record.variant_id)] = tag
                seen += len(page)
                if seen >= len(chunk):
                    break
        return tags


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + IDS_A_CALL] for start in range(0, len(ids), IDS_A_CALL))


def _in_catalog(place: PricePlace, product: PricedProduct | None) -> StorePrice:
    """Return what the catalog shows of an item, and whether its product or variant is written."""
    where, item = f"BigCommerce: GET {PRODUCTS_PATH}", place.item
    if product is None:
        return StorePrice(PRODUCT, problem=_gone(place))
    of_product = _tag(where, product.price, product.sale_price)
    shared = StorePrice(PRODUCT, of_product, item.parent_id, PRODUCT)
    variants = {str(v.id): v for v in product.variants or () if v is not None}
    if item.item_id is None:
        # Its price would become that of each variant without one of its own.
        problem = _needs_variant(place) if len(variants) > 1 else None
        return replace(shared, problem=problem)
    variant = variants.get(item.item_id)
    if variant is None:
        return StorePrice(VARIANT, problem=_gone(place))
    if variant.sku_id is None and len(variants) == 1:
        return shared
    # What a variant does not have of its own is the product's, each by itself.
    regular, sale = (
        of_product if of_variant is None else of_variant
        for of_product, of_variant in (
            (product.price, variant.price),
            (product.sale_price, variant.sale_price or None),
        )
    )
    has_sale = of_product is not None and of_product.sale is not None
    address = item.item_id + (REGULAR if has_sale else "")
    return StorePrice(VARIANT, _tag(where, regular, sale), address, VARIANT)


def _tag(where: str, price: WrittenAmount, sale: WrittenAmount) -> PriceTag | None:
    """Return a price; no sale price is shown as 0, as the regular price, or not at all."""
    regular = _amount(where, price)
    if regular is None:
        return None
    selling = _amount(where, sale) or None
    return PriceTag(regular, None if selling == regular else selling)


def _amount(where: str, value: WrittenAmount) -> Decimal | None:
    try:
        return None if value is None or value == "" else amount_of(value)
    except UnreadableValue:
        raise PermanentError(f"{where} gave a price that can't be read: {CONTRACT}") from None


def _gone(place: PricePlace) -> Problem:
    return Problem(
        "sku_unknown_in_store",
        "sku",
        "the store no longer has a product with this SKU",
        "add it to the store's catalog",
        place.item.sku,
    )


def _needs_variant(place: PricePlace) -> Problem:
    return Problem(
        "price_needs_variant",
        "sku",
        "this is the SKU of a product with several variants, which have the prices",
        "give each variant its own SKU and price",
        place.item.sku,
    )


def _other_currency(place: PricePlace, currency: str) -> Problem:
    return Problem(
        "price_currency_of_list",
        "currency",
        f"the price is in {place.currency}, and the store's catalog is in {currency}",
        "send prices in another currency to a price list of the store (prices.lists), or correct "
        "the currency at the OMS or in prices.currency",
        place.currency,
    )


def _unknown_list(price_list: str, message: str) -> Problem:
    return Problem(
        "price_list_unknown",
        "price_list",
        message,
        "correct prices.lists or prices.store_list, or create the list in the store",
        price_list,
    )
