"""Captured products to canonical ones. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from domain.errors import RecordRejected
from domain.exchange import Mapped
from domain.parsing.problems import DocumentProblems
from domain.parsing.text import clean_text
from domain.records.catalog import Attribute, Product, Variant
from domain.records.record import InvalidRecord
from domain.values import Amount
from resources.platforms.commercetools.base_payload import Names
from resources.platforms.commercetools.orders.texts import name_of, text_of
from resources.platforms.commercetools.products import payload as documents
from resources.platforms.commercetools.products.payload import CAPTURED_PRODUCTS
from resources.platforms.commercetools.settings import (
    BARCODE_ATTRIBUTES,
    BRAND_ATTRIBUTE,
    WARRANTY_ATTRIBUTE,
)

LONGEST_NAME, LONGEST_TEXT, MOST_DIGITS = 250, 1_000, 20
ADVICE = "correct the product in the store; report it if it looks right there"
Values = Mapping[str, str]


class ProductMapper:
    """Maps captured products, with texts in the first of the project's languages that they have."""

    def __init__(self, locales: tuple[str, ...]) -> None:
        self._locales = locales

    def to_product(self, payload: bytes) -> Mapped[Product]:
        """Map one capture. Raises ``RecordRejected`` with all problems."""
        decoded = CAPTURED_PRODUCTS.decode(payload)
        document, problems = decoded.document, DocumentProblems(decoded.problems)
        if not document.id:
            problems.missing("id_missing", "id", "the product has no id")
        places = [("masterVariant", document.master_variant)]
        places += [(f"variants[{n}]", one) for n, one in enumerate(document.variants or ())]
        values = [self._values(variant) for _, variant in places if variant is not None]
        common = _common(values)
        variants: list[Variant] = []
        for where, variant in places:
            variants += self._variant(variant, where, common, problems)
        product = None
        try:
            product = self._product(document, common, variants)
        except InvalidRecord as error:
            problems.reject("product_invalid", error.field, f"the value {error.message}", ADVICE)
        if problems.problems or product is None:
            raise RecordRejected(*problems.in_order())
        return Mapped(product)

    def _product(
        self, document: documents.Product, common: Values, variants: Sequence[Variant]
    ) -> Product:
        master = document.master_variant or documents.Variant()
        currencies = {code for code in map(_currency, _all(document)) if code}
        return Product(
            product_id=document.id or "",
            name=self._text(document.name)[:LONGEST_NAME],
            description=written_text(document.description, self._locales),
            warranty=common.get(WARRANTY_ATTRIBUTE, ""),
            brand=common.get(BRAND_ATTRIBUTE, ""),
            categories=tuple(self._categories(document.categories)),
            attributes=_attributes(common),
            images=tuple(_images(master.images)),
            currency=currencies.pop() if len(currencies) == 1 else "",
            variants=tuple(variants),
        )

    def _variant(
        self,
        variant: documents.Variant | None,
        where: str,
        common: Values,
        problems: DocumentProblems,
    ) -> Iterator[Variant]:
        if variant is None or not variant.id:
            problems.missing("id_missing", f"{where}.id", "the variant has no id")
            return
        for place, attribute in enumerate(variant.attributes or ()):
            if attribute is not None and _decoded(attribute.value) is _UNREADABLE:
                path = f"{where}.attributes[{place}].value"
                problems.reject("malformed_value", path, "the value can't be read", ADVICE)
        values = self._values(variant)
        stock = variant.availability.available_quantity if variant.availability else None
        try:
            yield Variant(
                variant_id=str(variant.id),
                sku=(variant.sku or "").strip(),
                price=_price(variant),
                stock=stock,
                barcodes=_attributes({n: values[n] for n in BARCODE_ATTRIBUTES if n in values}),
                options=_attributes({n: v for n, v in values.items() if n not in common}),
                image=next(_images(variant.images), ""),
            )
        except InvalidRecord as error:
            message = f"the value {error.message}"
            problems.reject("product_invalid", f"{where}.{error.field}", message, ADVICE)

    def _values(self, variant: documents.Variant | None) -> dict[str, str]:
        """Return a variant's attributes as texts; what has no text is left out."""
        found: dict[str, str] = {}
        for attribute in (variant.attributes if variant is not None else None) or ():
            if attribute is None or not attribute.name:
                continue
            value = _decoded(attribute.value)
            if value is not _UNREADABLE and (text := text_of(value, self._locales)):
                name = clean_text(attribute.name, LONGEST_TEXT)
                found[name] = text if name == WARRANTY_ATTRIBUTE else text[:LONGEST_TEXT]
        return found

    def _categories(
        self, references: Sequence[documents.CategoryReference | None] | None
    ) -> Iterator[str]:
        for reference in references or ():
            if reference is None:
                continue
            name = self._text(reference.obj.name) if reference.obj is not None else ""
            if name or reference.id:
                yield name or reference.id or ""

    def _text(self, names: Mapping[str, object] | None) -> str:
        return name_of(dict(names) if names else None, self._locales)


_UNREADABLE = object()


def written_text(names: Names, locales: tuple[str, ...]) -> str:
    """Return a text as it was written, in the first of the languages that it has, else in any."""
    found = names or {}
    of_locales = [found.get(tag) for one in locales for tag in (one, one.partition("-")[0])]
    texts = (text for text in (*of_locales, *found.values()) if isinstance(text, str) and text)
    return next(texts, "")


def _decoded(value: msgspec.Raw) -> object:
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return _UNREADABLE


def _all(document: documents.Product) -> list[documents.Variant]:
    variants = [document.master_variant, *(document.variants or ())]
    return [variant for variant in variants if variant is not None]


def _common(values: Sequence[Values]) -> Values:
    """Return the attributes that all variants have alike; the others distinguish them."""
    first = values[0] if values else {}
    return {n: v for n, v in first.items() if all(one.get(n) == v for one in values)}


def _attributes(values: Values) -> tuple[Attribute, ...]:
    return tuple(Attribute(name=name, value=value) for name, value in values.items())


def _images(images: Sequence[documents.Image | None] | None) -> Iterator[str]:
    return (clean_text(one.url, LONGEST_TEXT) for one in images or () if one and one.url)


def _open_price(variant: documents.Variant) -> documents.Price | None:
    """Return the price that is everybody's at any time, if there is exactly one."""
    found = [
        price
        for price in variant.prices or ()
        if price is not None
        and price.value is not None
        and not any(
            (
                price.country,
                price.channel,
                price.customer_group,
                price.valid_from,
                price.valid_until,
            )
        )
    ]
    return found[0] if len(found) == 1 else None


def _price(variant: documents.Variant) -> Amount | None:
    price = _open_price(variant)
    money = price.value if price is not None else None
    if money is None or money.cent_amount is None:
        return None
    digits, units = money.fraction_digits, money.cent_amount
    if money.precise_amount is not None and money.type == "highPrecision":
        units = money.precise_amount
    if digits is None or not 0 <= digits <= MOST_DIGITS:
        raise InvalidRecord("prices", "has no number of fraction digits")
    return Decimal(units).scaleb(-digits)


def _currency(variant: documents.Variant) -> str:
    price = _open_price(variant)
    return (price.value.currency_code or "") if price is not None and price.value else ""
