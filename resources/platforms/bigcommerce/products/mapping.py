"""Captured products to canonical ones. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped
from domain.parsing.payload import Decoded, Scalar
from domain.parsing.problems import DocumentProblems
from domain.parsing.scalars import UnreadableValue, WrittenAmount, amount_of
from domain.parsing.text import clean_text
from domain.records.catalog import Attribute, Dimensions, Product, Variant
from domain.records.record import InvalidRecord
from domain.values import Amount
from resources.platforms.bigcommerce.products import payload as documents
from resources.platforms.bigcommerce.products.payload import CAPTURED_PRODUCTS

DIGITAL = "digital"
BARCODES = ("upc", "gtin", "mpn")
LONGEST_NAME = 250
LONGEST_TEXT = 1_000
ADVICE = "correct the product in the store; report it if it looks right there"


def to_product(payload: bytes) -> Mapped[Product]:
    """Map one capture. Raises ``RecordRejected`` with all problems."""
    try:
        return _mapped(CAPTURED_PRODUCTS.decode(payload))
    except UnreadableValue:
        return _mapped(CAPTURED_PRODUCTS.check(payload))  # which says what can't be read


def _mapped(decoded: Decoded[documents.CapturedProduct]) -> Mapped[Product]:
    capture = decoded.document
    problems = DocumentProblems(tuple(map(_relative, decoded.problems)))
    document = capture if capture.id is not None or capture.product is None else capture.product
    if not document.id:
        problems.missing("id_missing", "id", "the product has no id")
    variants = tuple(_variants(document, problems))
    product = None
    try:
        product = Product(
            product_id=str(document.id or ""),
            name=clean_text(document.name or "", LONGEST_NAME),
            is_digital=document.type == DIGITAL,
            sku=(document.sku or "").strip(),
            description=document.description or "",
            warranty=document.warranty or "",
            brand=_name(capture.brand_name) or str(document.brand_id or ""),
            categories=tuple(_categories(capture.category_names, document.categories)),
            attributes=tuple(_attributes(document.custom_fields)),
            images=tuple(_images(document.images)),
            price=_price(document.price),
            sale_price=_price(document.sale_price) or None,
            dimensions=_dimensions(document),
            variants=variants,
        )
    except InvalidRecord as error:
        problems.reject("product_invalid", error.field, f"the value {error.message}", ADVICE)
    if problems.problems or product is None:
        raise RecordRejected(*problems.in_order())
    return Mapped(product)


def _variants(document: documents.Product, problems: DocumentProblems) -> Iterator[Variant]:
    """Yield what is bought of a product; one without variants is bought itself.

    A product's only variant may leave its SKU and codes to the product.
    """
    variants = document.variants or []
    if not variants:
        yield from _variant(document, None, "", problems)
    for place, variant in enumerate(variants):
        if variant is None:
            problems.missing("id_missing", f"variants[{place}]", "the variant is not an object")
            continue
        own = document if len(variants) == 1 else documents.Product()
        yield from _variant(own, variant, f"variants[{place}].", problems)


def _variant(
    product: documents.Product,
    variant: documents.Variant | None,
    where: str,
    problems: DocumentProblems,
) -> Iterator[Variant]:
    own = variant or documents.Variant()
    if variant is not None and not variant.id:
        problems.missing("id_missing", f"{where}id", "the variant has no id")
        return
    written = own.inventory_level if variant is not None else product.inventory_level
    try:
        yield Variant(
            variant_id=str(own.id or ""),
            sku=((own.sku or "").strip() or (product.sku or "").strip()),
            price=_price(own.price),
            stock=_level(written),
            barcodes=tuple(_barcodes(own, product)),
            options=tuple(_options(own.option_values)),
            image=_address(own.image_url),
            dimensions=_dimensions(own),
        )
    except InvalidRecord as error:
        message = f"the value {error.message}"
        problems.reject("product_invalid", f"{where}{error.field}", message, ADVICE)


def _barcodes(variant: documents.Variant, product: documents.Product) -> Iterator[Attribute]:
    for kind in BARCODES:
        value = _name(getattr(variant, kind)) or _name(getattr(product, kind))
        if value:
            yield Attribute(name=kind, value=value)


def _options(values: Sequence[documents.OptionValue | None] | None) -> Iterator[Attribute]:
    for value in values or ():
        if value is not None and (name := _name(value.option_display_name)):
            yield Attribute(name=name, value=_name(value.label))


def _attributes(fields: Sequence[documents.CustomField | None] | None) -> Iterator[Attribute]:
    for field in fields or ():
        if field is not None and (name := _name(field.name)):
            yield Attribute(name=name, value=_name(field.value))


def _categories(names: Sequence[str | None] | None, ids: Sequence[int | None] | None) -> list[str]:
    """Return the categories' names; the ids where their names were not read."""
    found = [name for each in names or () if (name := _name(each))]
    return found or [str(number) for number in ids or () if number]


def _images(images: Sequence[documents.Image | None] | None) -> list[str]:
    """Return the pictures' addresses, the thumbnail first and then as the merchant sorts them."""
    shown = [image for image in images or () if image is not None and image.url_standard]
    shown.sort(key=lambda image: (not image.is_thumbnail, image.sort_order or 0))
    return [_address(image.url_standard) for image in shown]


def _dimensions(document: documents.Product | documents.Variant) -> Dimensions:
    """Return sizes; the store writes 0, or nothing, for one that was not entered."""
    return Dimensions(
        weight=_price(document.weight) or None,
        width=_price(document.width) or None,
        height=_price(document.height) or None,
        depth=_price(document.depth) or None,
    )


def _price(written: WrittenAmount) -> Amount | None:
    """Return an amount, if one is given. Raises ``UnreadableValue``."""
    return None if written is None or written == "" else amount_of(written)


def _level(written: Scalar) -> int | None:
    return written if type(written) is int else None


def _address(url: str | None) -> str:
    return clean_text(url or "", LONGEST_TEXT)


def _name(text: str | None) -> str:
    return clean_text(text or "", LONGEST_TEXT)


def _relative(problem: Problem) -> Problem:
    return replace(problem, field=problem.field.removeprefix("product."))
