"""What an org keeps of its products in fields of its own, and in other objects. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from domain.parsing.payload import Document, Scalar
from domain.parsing.problems import DocumentProblems
from domain.parsing.scalars import to_amount
from domain.parsing.text import clean_text
from domain.records.catalog import Attribute, Dimensions
from resources.platforms.salesforce.product_settings import ProductSettings
from resources.platforms.salesforce.products.payload import Media, Product, written

LONGEST_TEXT = 1_000
SIZES = ("weight", "width", "height", "depth")
ADVICE = "correct the field in the org, or name another one in platform.products"


class OwnFields:
    """Reads fields by the names that a connection's settings have for them."""

    def __init__(self, products: ProductSettings) -> None:
        self._products = products

    def field_of(self, name: str) -> str:
        """Return the org's field that a canonical one is read from."""
        if name in SIZES:
            return str(getattr(self._products, name) or name)
        return {"sku": "StockKeepingUnit", "product_id": "Id"}.get(name, name)

    def texts(self, row: Product) -> dict[str, str]:
        """Return a product's texts by their names in the canonical record."""
        return {
            "description": row.description or "",
            "warranty": self.warranty(row),
            "brand": self.brand(row),
        }

    def warranty(self, row: Product) -> str:
        """Return a product's terms as they are written; empty if it has none."""
        return _text_of(written(row, self._products.warranty)) if self._products.warranty else ""

    def brand(self, row: Product) -> str:
        """Return a product's brand; empty if it has none."""
        return _line_of(written(row, self._products.brand)) if self._products.brand else ""

    def barcodes(self, row: Product) -> Iterator[Attribute]:
        """Yield a product's barcodes by kind."""
        yield from _named(row, self._products.barcodes)

    def attributes(self, row: Product) -> Iterator[Attribute]:
        """Yield the attributes that are fields of the org's own."""
        yield from _named(row, self._products.attributes)

    def options(self, added: Any) -> Iterator[Attribute]:
        """Yield what distinguishes a variation from the others of its parent."""
        for attributes in (added.attributes or ()) if added is not None else ():
            if attributes is not None and not attributes.is_deleted:
                yield from _named(attributes, self._products.options)
                return

    def dimensions(self, row: Product, problems: DocumentProblems) -> Dimensions:
        """Return a product's sizes; 0 is one that was not entered."""
        products = self._products
        sizes: dict[str, Decimal | None] = {}
        for size in SIZES:
            if (field := getattr(products, size)) is None:
                continue
            value = written(row, field)
            if value is None or value == "" or isinstance(value, bool):
                continue
            if (amount := to_amount(value)) is None or amount < 0:
                problems.reject("malformed_value", field, f"the {size} is not a number", ADVICE)
            else:
                sizes[size] = amount or None
        return Dimensions(**sizes)

    def images(self, row: Product, parent: Product | None, added: Any) -> tuple[str, ...]:
        """Return the addresses of a product's pictures and its parent's, each once.

        Those of fields come first, then those of the groups in the order of the settings.
        """
        found = list(self._of_fields(row))
        if added is not None:
            found += self._of_media(added.media, added.addresses)
        if parent is not None:
            found += self._of_fields(parent)
            found += self._of_media(added.parent_media, added.addresses)
        return tuple(dict.fromkeys(found))

    def _of_fields(self, row: Product) -> Iterator[str]:
        lines = (_line_of(written(row, field)) for field in self._products.images)
        return (line for line in lines if line)

    def _of_media(
        self, media: list[Media | None] | None, addresses: dict[str, Scalar] | None
    ) -> Iterator[str]:
        """Yield addresses of published pictures; rows come by their ``SortOrder``."""
        for usage in self._products.media:
            for one in media or ():
                if one is None or one.is_deleted or one.electronic_media_group is None:
                    continue
                if one.electronic_media_group.usage_type == usage:
                    line = _line_of((addresses or {}).get(one.electronic_media_id or ""))
                    if line:
                        yield line


def _named(row: Document, fields: dict[str, str]) -> Iterator[Attribute]:
    for name, field in fields.items():
        if line := _line_of(written(row, field)):
            yield Attribute(name=name, value=line)


def _line_of(value: Scalar) -> str:
    return clean_text(_text_of(value), LONGEST_TEXT)


def _text_of(value: Scalar) -> str:
    """Return a value as text: a number of a code without decimals, as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**18:
        return f"{value:.0f}"
    return str(value)
