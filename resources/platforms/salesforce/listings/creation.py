"""Products to create: how the org finds them, and the records that make one. Pure.

Nothing in a standard org keeps two products from having one SKU. The product's external id does:
it is made of the SKU, so that one product is created for it. A price is an entry of the standard
price book, made together with the product.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain.currencies import whole_minor_units
from domain.delivery import NewListing
from domain.errors import Problem, RecordRejected
from domain.identity import content_digest
from domain.listings import sku_taken
from domain.parsing.payload import PayloadDecoder
from domain.prices import exact_number
from domain.skus import sku_key
from resources.platforms.salesforce.answers_payload import ANSWER_ADVICE
from resources.platforms.salesforce.fields import PRODUCT_FIELDS
from resources.platforms.salesforce.parts import Part
from resources.platforms.salesforce.payload import Text
from resources.platforms.salesforce.prices.reader import ENTRY
from resources.platforms.salesforce.product_settings import PARENT
from resources.platforms.salesforce.products.payload import Product, sku_of
from resources.platforms.salesforce.settings import KEY_FIELD, SalesforceSettings
from resources.platforms.salesforce.soql import one_of, select

PRODUCT = "Product2"
REFERENCE = "product"
"""Of the product's request, whose answer has its id."""
MADE = ("StockKeepingUnit", "ProductCode", "IsActive", KEY_FIELD)
"""Fields that only a creation writes, besides the texts."""
MADE_ENTRY = ("Pricebook2Id", "Product2Id", "UnitPrice", "IsActive")


class MadeProduct(Product):
    """A product with the external id of those that Lockstep has made."""

    key: Text = msgspec.field(name=KEY_FIELD, default=None)


MADE_PRODUCTS = PayloadDecoder(MadeProduct, "a product", ANSWER_ADVICE)


def key_of(sku: str) -> str:
    """Return the external id of a new product: equal for each attempt, whatever else it has."""
    return f"product-{content_digest(sku_key(sku).encode()).hex()}"


def query_of(sku: str, *, has_key: bool) -> str:
    """Return the query for the products that a new one with a SKU would be the second of.

    ``has_key``: the org has the external id, which a connection that creates nothing does not need.
    """
    ways = [one_of(field, [sku]) for field in ("StockKeepingUnit", "ProductCode")]
    ways += [one_of(KEY_FIELD, [key_of(sku)])] if has_key else []
    fields = f"{PRODUCT_FIELDS}, {KEY_FIELD}" if has_key else PRODUCT_FIELDS
    return select(fields, PRODUCT, f" WHERE {' OR '.join(ways)} ORDER BY Id")


def the_product(sku: str, rows: list[MadeProduct]) -> MadeProduct | Problem | None:
    """Return the one product that is found for a SKU, or why it can't be used."""
    same = [row for row in rows if row.id and sku_key(sku_of(row)) == sku_key(sku)]
    if not same:
        same = [row for row in rows if row.id and row.key == key_of(sku)]
        if not same:
            return None
        return sku_taken([same[0].id or ""], "it was created for the SKU and has another one now")
    ids = [row.id or "" for row in same]
    if len(same) > 1:
        return sku_taken(ids, "there are several")
    if same[0].product_class == PARENT:
        return sku_taken(ids, "only its variations are sold")
    return same[0]


def parts_of(new: NewListing, settings: SalesforceSettings, book: str) -> list[Part]:
    """Return the requests that make a product, and its price where it has one.

    ``book`` is the id of the standard price book. Raises ``RecordRejected``.
    """
    listing = new.listing
    values: Part = {
        "Name": listing.name or "",
        "StockKeepingUnit": listing.sku,
        "ProductCode": listing.sku,
        "IsActive": new.is_visible,
        KEY_FIELD: key_of(listing.sku),
    }
    if listing.description:
        values["Description"] = listing.description
    parts = [_create(settings, PRODUCT, REFERENCE, values)]
    if listing.price is not None:
        currency = _currency(new, settings)
        entry: Part = {
            "Pricebook2Id": book,
            "Product2Id": f"@{{{REFERENCE}.id}}",
            "UnitPrice": _price(listing.price, currency),
            "IsActive": True,
        }
        if settings.currency is None:
            entry["CurrencyIsoCode"] = currency
        parts.append(_create(settings, ENTRY, "price", entry))
    return parts


def _create(settings: SalesforceSettings, name: str, reference: str, values: Part) -> Part:
    url = f"{settings.data_path}/sobjects/{name}"
    return {"method": "POST", "url": url, "referenceId": reference, "body": values}


def _currency(new: NewListing, settings: SalesforceSettings) -> str:
    known = settings.currency
    if known is not None and new.currency in ("", known):
        return known
    if known is None and new.currency:
        return new.currency
    message = "the currency of new products' prices is not known"
    if known is not None:
        message = f"new products' prices are in {new.currency}, and the org's only one is {known}"
    advice = "correct prices.currency or platform.currency, or leave the price out"
    raise RecordRejected(Problem("listing_field_not_taken", "price", message, advice))


def _price(amount: Decimal, currency: str) -> float:
    if whole_minor_units(amount, currency) is None:
        message = f"{currency} has no such fractions"
        problem = Problem("listing_field_not_taken", "price", message, "correct the price")
        raise RecordRejected(problem)
    return exact_number(amount)
