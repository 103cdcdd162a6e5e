"""Reads what a project shows: the standalone prices of SKUs, each in its scope."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from domain.currencies import minor_unit
from domain.errors import PermanentError, Problem
from domain.identity import is_id
from domain.parsing.answers import CONTRACT, document_of
from domain.prices import PricePlace, PriceTag, StorePrice
from resources.http.client import ApiClient
from resources.platforms.commercetools.answers_payload import CHANNELS
from resources.platforms.commercetools.base_payload import Money
from resources.platforms.commercetools.client import one_of, query, query_by_id, quoted
from resources.platforms.commercetools.orders.money import MOST_DIGITS
from resources.platforms.commercetools.prices.payload import (
    PRICED_PRODUCTS,
    STANDALONE,
    Standalone,
)
from resources.platforms.commercetools.prices.scopes import PriceScope, scope_of
from resources.platforms.commercetools.settings import (
    CATALOG_PAGE,
    IDS_A_CALL,
    PRICE_PAGE,
    CommercetoolsSettings,
)

PATH, SCOPE = "/standalone-prices", "view_standalone_prices"
PRODUCTS = "/product-projections"
PRICE = "price"
"""The operation."""
MODE = "Standalone"
DISTRIBUTION = "ProductDistribution"


class PriceReader:
    """Reads the prices of one project."""

    def __init__(self, http: ApiClient, settings: CommercetoolsSettings) -> None:
        self._http, self._discount = http, settings.sale_discount

    def prices(self, places: Collection[PricePlace]) -> dict[str, StorePrice]:
        """Return what the project shows, by the key of each place."""
        scopes: dict[str, PriceScope | Problem] = {
            name: self.scope(name) for name in {place.price_list for place in places}
        }
        modes = self._modes({place.item.parent_id for place in places})
        found: dict[str, StorePrice] = {}
        wanted: list[tuple[PricePlace, PriceScope]] = []
        for place in places:
            scope = scopes[place.price_list]
            if isinstance(scope, Problem):
                found[place.key] = StorePrice(PRICE, problem=scope)
            elif (problem := _mode_problem(place, modes.get(place.item.parent_id))) is not None:
                found[place.key] = StorePrice(PRICE, problem=problem)
            else:
                wanted.append((place, scope))
        by_sku: dict[str, list[Standalone]] = {}
        for price in self.standalone({place.item.sku for place, _ in wanted}):
            by_sku.setdefault(price.sku or "", []).append(price)
        for place, scope in wanted:
            one = matching(place, scope, by_sku.get(place.item.sku, ()))
            found[place.key] = self.shown(one, scope)
        return found

    def scope(self, price_list: str) -> PriceScope | Problem:
        """Return the scope of a list, with its channel's id, or why the project has none."""
        scope = scope_of(price_list)
        if scope is None:
            return _unknown(price_list, "a list is catalog, country=XX, channel=KEY, or both")
        if not scope.channel:
            return scope
        where = [f"key = {quoted(scope.channel)}"]
        found = query(self._http, "/channels", {"where": where, "limit": 1}, "view_products")
        for raw in found:
            channel = document_of("commercetools: GET /channels", raw, CHANNELS)
            if channel.id and DISTRIBUTION in (channel.roles or ()):
                return scope._replace(channel=channel.id)
        return _unknown(price_list, f"the project has no channel {scope.channel} for distribution")

    def standalone(self, skus: Collection[str]) -> list[Standalone]:
        """Return all standalone prices of some SKUs, whatever their scope; active or not."""
        wanted = sorted(set(skus))
        found: list[Standalone] = []
        for start in range(0, len(wanted), IDS_A_CALL):
            where = [one_of("sku", wanted[start : start + IDS_A_CALL])]
            for page in query_by_id(self._http, PATH, where, PRICE_PAGE, SCOPE):
                found += [
                    document_of(f"commercetools: GET {PATH}", raw, STANDALONE) for raw in page
                ]
        return found

    def shown(self, price: Standalone | None, scope: PriceScope) -> StorePrice:
        """Return what a price shows, with its id, version and channel's id, which write it."""
        if price is None:
            return StorePrice(PRICE, group=scope.channel)
        if not is_id(price.id or "") or price.version is None:
            raise PermanentError(f"commercetools: a price has no id or version: {CONTRACT}")
        address = f"{price.id} {price.version}"
        tag, problem = tag_of(price, self._discount), inactive(price)
        return StorePrice(PRICE, tag, address, scope.channel, problem)

    def _modes(self, ids: Collection[str]) -> Mapping[str, str]:
        wanted = sorted(set(ids))
        modes: dict[str, str] = {}
        for start in range(0, len(wanted), IDS_A_CALL):
            where = [one_of("id", wanted[start : start + IDS_A_CALL])]
            for page in query_by_id(self._http, PRODUCTS, where, CATALOG_PAGE, "view_products"):
                for raw in page:
                    product = document_of(f"commercetools: GET {PRODUCTS}", raw, PRICED_PRODUCTS)
                    modes[product.id or ""] = product.price_mode or "Embedded"
        return modes


def matching(
    place: PricePlace, scope: PriceScope, prices: Sequence[Standalone]
) -> Standalone | None:
    """Return the price of a place; a project has one at most for a scope.

    Should it have another that is inactive, shoppers see the active one.
    """
    found = [p for p in prices if p.sku == place.item.sku and in_scope(p, place, scope)]
    return min(found, key=lambda price: price.active is False, default=None)


def inactive(price: Standalone) -> Problem | None:
    """Return why a price takes no value: shoppers would not see it.

    Who has switched it off may switch it on again.
    """
    if price.active is not False:
        return None
    return Problem(
        "price_inactive",
        "sku",
        "the SKU's standalone price is inactive, so shoppers don't see it",
        "activate the price in the store, or delete it there, then retry",
        price.sku or "",
    )


def in_scope(price: Standalone, place: PricePlace, scope: PriceScope) -> bool:
    """Return whether a price is that of a place, by scope and currency."""
    currency = price.value.currency_code if price.value is not None else None
    return currency == place.currency and scope.has(price)


def tag_of(price: Standalone, discount: str | None) -> PriceTag:
    """Return what a price shows. A reduction by another discount than Lockstep's is another's."""
    regular, reduced = amount_of(price.value), price.discounted
    if reduced is None or reduced.discount is None or reduced.discount.id != discount:
        return PriceTag(regular)
    sale = amount_of(reduced.value)
    return PriceTag(regular, None if sale == regular else sale)


def amount_of(money: Money | None) -> Decimal:
    """Return an amount; raises ``PermanentError`` if there is none."""
    units = money.cent_amount if money is not None else None
    if money is not None and money.type == "highPrecision":
        units = money.precise_amount
    if money is None or units is None or not money.currency_code:
        raise PermanentError(f"commercetools: GET {PATH} gave a price without a value: {CONTRACT}")
    digits = money.fraction_digits
    if digits is None:
        digits = -int(minor_unit(money.currency_code).as_tuple().exponent)
    if not 0 <= digits <= MOST_DIGITS:
        raise PermanentError(f"commercetools: GET {PATH} gave {digits} fraction digits: {CONTRACT}")
    return Decimal(units).scaleb(-digits)


def _mode_problem(place: PricePlace, mode: str | None) -> Problem | None:
    if mode == MODE:
        return None
    if mode is None:
        message, advice = "the store no longer has a product with this SKU", "add it to the catalog"
        return Problem("sku_unknown_in_store", "sku", message, advice, place.item.sku)
    return Problem(
        "price_mode_embedded",
        "sku",
        f"the product's price mode is {mode}: standalone prices have no effect on it",
        "set the product's price mode to Standalone",
        place.item.sku,
    )


def _unknown(price_list: str, message: str) -> Problem:
    return Problem(
        "price_list_unknown",
        "price_list",
        message,
        "correct prices.lists or prices.store_list, or create the channel in the store",
        price_list,
    )
