"""Captured products to canonical ones. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.parsing.payload import Scalar
from domain.parsing.problems import DocumentProblems
from domain.parsing.scalars import UnreadableValue, amount_of
from domain.parsing.text import clean_text
from domain.records.catalog import Attribute, Product, Variant, deleted_product
from domain.records.record import InvalidRecord
from resources.platforms.salesforce.product_settings import PARENT, ProductSettings
from resources.platforms.salesforce.products.own_fields import OwnFields
from resources.platforms.salesforce.products.payload import Product as Row
from resources.platforms.salesforce.products.payload import captured_products, sku_of

UNIT = "unit"
GROUP = "variation_of"
"""Name of the attribute with the name of a variation's parent."""
LONGEST_NAME, LONGEST_TEXT = 250, 1_000
ADVICE = "correct the product in the org; report it if it looks right there"
STANDARD = ProductSettings()


class ProductMapper:
    """Maps captured products, with what an org keeps in fields of its own.

    ``currency`` is that of the org, or the one whose prices count; without it a price counts if the
    product has no second one.
    """

    def __init__(self, products: ProductSettings = STANDARD, currency: str | None = None) -> None:
        self._decoder, self._own = captured_products(products), OwnFields(products)
        self._currency = currency

    def to_product(self, payload: bytes) -> Mapped[Product] | Skipped:
        """Map one capture. Raises ``RecordRejected`` with all problems.

        A product is its one variant: variations are products of their own.
        """
        decoded = self._decoder.decode(payload)
        row, problems = decoded.document, DocumentProblems(decoded.problems)
        if not row.id:
            problems.missing("id_missing", "Id", "the product has no id")
            raise RecordRejected(*problems.in_order())
        if not problems.problems and (row.is_deleted or row.is_active is False):
            return Mapped(deleted_product(row.id))
        if not problems.problems and row.product_class == PARENT:
            return Skipped("product_of_variations", "only its variations are sold")
        product = None
        try:
            product = self._product(row, problems)
        except InvalidRecord as error:
            field = self._own.field_of(error.field)
            problems.reject("product_invalid", field, f"the value {error.message}", ADVICE)
        if problems.problems or product is None:
            raise RecordRejected(*problems.in_order())
        return Mapped(product)

    def _product(self, row: Row, problems: DocumentProblems) -> Product:
        own, added = self._own, getattr(row, "added", None)
        parent: Row | None = added.parent if added is not None else None
        texts, inherited = self._texts(row, parent)
        amount, of_price = _price(row, self._currency, problems)
        images = own.images(row, parent, added)
        return Product(
            product_id=row.id or "",
            name=clean_text(row.name or "", LONGEST_NAME),
            description=texts["description"],
            warranty=texts["warranty"],
            brand=texts["brand"],
            inherited=inherited,
            categories=(clean_text(row.family, LONGEST_TEXT),) if row.family else (),
            attributes=(*_standard_attributes(row, parent), *own.attributes(row)),
            images=images,
            price=amount,
            currency=of_price,
            variants=(self._variant(row, added, problems),),
        )

    def _texts(self, row: Row, parent: Row | None) -> tuple[Mapping[str, str], tuple[str, ...]]:
        """Return a product's texts, and which of them are its parent's since it lacks them."""
        texts = self._own.texts(row)
        common = self._own.texts(parent) if parent is not None else {}
        inherited = tuple(name for name, text in texts.items() if not text and common.get(name))
        return texts | {name: common[name] for name in inherited}, inherited

    def _variant(self, row: Row, added: Any, problems: DocumentProblems) -> Variant:
        own = self._own
        return Variant(
            variant_id="",
            sku=sku_of(row),
            stock=added.stock if added is not None else None,
            barcodes=tuple(own.barcodes(row)),
            options=tuple(own.options(added)),
            image=next(iter(own.images(row, None, added)), ""),
            dimensions=own.dimensions(row, problems),
        )


def _standard_attributes(row: Row, parent: Row | None) -> list[Attribute]:
    written: list[tuple[str, Scalar]] = [(UNIT, row.quantity_unit_of_measure)]
    written += [(GROUP, parent.name)] if parent is not None else []
    texts = [(name, clean_text(str(value or ""), LONGEST_TEXT)) for name, value in written]
    return [Attribute(name=name, value=text) for name, text in texts if text]


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
            message = "the price is not an amount"
            problems.reject("malformed_value", "PricebookEntries", message, ADVICE)
    if currency is not None:
        return found.get(currency), currency if currency in found else ""
    [only] = found.items() if len(found) == 1 else [("", None)]
    return only[1], only[0]
