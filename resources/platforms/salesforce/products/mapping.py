"""Captured products to canonical ones. Pure."""

from __future__ import annotations

from decimal import Decimal

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.parsing.problems import DocumentProblems
from domain.parsing.scalars import UnreadableValue, amount_of
from domain.parsing.text import clean_text
from domain.records.catalog import Attribute, Product, Variant, deleted_product
from domain.records.record import InvalidRecord
from resources.platforms.salesforce.products.payload import CAPTURED_PRODUCTS, sku_of
from resources.platforms.salesforce.products.payload import Product as Row

PARENT = "VariationParent"
"""Class of a product that is sold as its variations only."""
UNIT = "unit"
LONGEST_NAME, LONGEST_TEXT = 250, 1_000
ADVICE = "correct the product in the org; report it if it looks right there"


def to_product(payload: bytes, currency: str | None = None) -> Mapped[Product] | Skipped:
    """Map one capture. Raises ``RecordRejected`` with all problems.

    A product is its one variant: variations are products of their own. ``currency`` is that of the
    org, or the one whose prices count; without it a price counts if the product has no second one.
    """
    decoded = CAPTURED_PRODUCTS.decode(payload)
    row, problems = decoded.document, DocumentProblems(decoded.problems)
    if not row.id:
        problems.missing("id_missing", "Id", "the product has no id")
        raise RecordRejected(*problems.in_order())
    if not problems.problems and (row.is_deleted or row.is_active is False):
        return Mapped(deleted_product(row.id))
    if not problems.problems and row.product_class == PARENT:
        return Skipped("product_of_variations", "only its variations are sold")
    product = None
    amount, of_price = _price(row, currency, problems)
    unit = clean_text(row.quantity_unit_of_measure or "", LONGEST_TEXT)
    try:
        product = Product(
            product_id=row.id,
            name=clean_text(row.name or "", LONGEST_NAME),
            description=row.description or "",
            categories=(clean_text(row.family, LONGEST_TEXT),) if row.family else (),
            attributes=(Attribute(name=UNIT, value=unit),) if unit else (),
            price=amount,
            currency=of_price,
            variants=(Variant(variant_id="", sku=sku_of(row)),),
        )
    except InvalidRecord as error:
        field = {"sku": "StockKeepingUnit", "product_id": "Id"}.get(error.field, error.field)
        problems.reject("product_invalid", field, f"the value {error.message}", ADVICE)
    if problems.problems or product is None:
        raise RecordRejected(*problems.in_order())
    return Mapped(product)


def _price(
    row: Row, currency: str | None, problems: DocumentProblems
) -> tuple[Decimal | None, str]:
    """Return the price of a product and its currency; none where several would be right."""
    entries = row.pricebook_entries.records if row.pricebook_entries is not None else None
    found: dict[str, Decimal] = {}
    for entry in entries or ():
        if entry is None or entry.is_deleted or not entry.is_active or entry.unit_price is None:
            continue
        own = entry.currency_iso_code or currency or ""
        try:
            found[own] = amount_of(entry.unit_price)
        except UnreadableValue:
            message = "the price is no amount"
            problems.reject("malformed_value", "PricebookEntries", message, ADVICE)
    if currency is not None:
        return found.get(currency), currency if currency in found else ""
    [only] = found.items() if len(found) == 1 else [("", None)]
    return only[1], only[0]
