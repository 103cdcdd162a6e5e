"""What a product shows of a listing's fields. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from resources.platforms.commercetools.base_payload import Names
from resources.platforms.commercetools.listings.payload import (
    ListedProduct,
    ListedVariant,
    MasterData,
    ProductData,
)
from resources.platforms.commercetools.orders.texts import name_of, text_of
from resources.platforms.commercetools.products.mapping import written_text
from resources.platforms.commercetools.products.payload import Attribute
from resources.platforms.commercetools.settings import (
    BRAND_ATTRIBUTE,
    WARRANTY_ATTRIBUTE,
    CommercetoolsSettings,
)

Texts = Mapping[str, Any]


def is_published(product: ListedProduct) -> bool:
    """Return whether shoppers see the product: one that they don't is not sold."""
    return product.master_data is not None and product.master_data.published is True


def data_of(product: ListedProduct, settings: CommercetoolsSettings) -> ProductData:
    """Return the data that listings are about: the published, or the staged by the settings."""
    master = product.master_data or MasterData()
    found = master.staged if settings.listings == "staged" else master.current
    return found or ProductData()


def variants_of(data: ProductData) -> list[ListedVariant]:
    """Return the variants, the master variant first."""
    variants = (data.master_variant, *(data.variants or ()))
    return [variant for variant in variants if variant is not None]


def skus_of(product: ListedProduct) -> list[str]:
    """Return the SKUs by which the product is sold: those of its published data, if it has any."""
    master = product.master_data or MasterData()
    data = master.current if is_published(product) else master.staged
    skus = (variant.sku for variant in variants_of(data or ProductData()))
    return list(dict.fromkeys(sku for sku in skus if sku))


def own_skus(product: ListedProduct, settings: CommercetoolsSettings) -> list[str]:
    """Return the SKUs of a product, with those that are staged where listings are."""
    staged = variants_of(data_of(product, settings)) if settings.listings == "staged" else ()
    return list(dict.fromkeys((*skus_of(product), *(one.sku for one in staged if one.sku))))


def shown(product: ListedProduct, settings: CommercetoolsSettings) -> dict[str, Any]:
    """Return what a ``ListingTarget`` holds, in the form that the stream ``catalog`` reads."""
    data, locales = data_of(product, settings), settings.locales
    pictures = pictures_of(data)
    return {
        "name": name_of(data.name, locales),
        "description": written_text(data.description, locales),
        "warranty": _attribute(data, WARRANTY_ATTRIBUTE, locales),
        "brand": _attribute(data, BRAND_ATTRIBUTE, locales),
        "images": len(pictures),
        "addresses": pictures,
        "skus": own_skus(product, settings),
        "in_other_language": _in_other_language(data, locales),
    }


def _in_other_language(data: ProductData, locales: tuple[str, ...]) -> list[str]:
    """Return the texts that the product lacks in the language that is written."""
    texts = {"name": data.name, "description": data.description}
    return [name for name, text in texts.items() if locales and text and not text.get(locales[0])]


def pictures_of(data: ProductData) -> list[str]:
    """Return the addresses of the master variant's pictures, in their order."""
    master = data.master_variant or ListedVariant()
    return [image.url for image in master.images or () if image is not None and image.url]


def values_of(attributes: list[Attribute | None] | None, name: str) -> Iterator[Any]:
    """Yield the values of the attribute with a name: one, or none."""
    for attribute in attributes or ():
        if attribute is not None and attribute.name == name:
            try:
                yield msgspec.json.decode(attribute.value)
            except (ValueError, RecursionError):
                yield None
            return


def localized(names: Names, locale: str, text: str) -> dict[str, Any]:
    """Return a text by language with one of them changed; an empty text is none."""
    found = {language: name for language, name in (names or {}).items() if language != locale}
    return found | ({locale: text} if text else {})


def locale_of(product: ListedProduct, settings: CommercetoolsSettings) -> str:
    """Return the language that is written: the settings' first, else the name's first."""
    if settings.locales:
        return settings.locales[0]
    return next(iter(data_of(product, settings).name or {}), "")


def category_ids(data: ProductData) -> list[str]:
    """Return the ids of the categories that the product is in."""
    return [one.id for one in data.categories or () if one is not None and one.id]


def _attribute(data: ProductData, name: str, locales: tuple[str, ...]) -> str:
    """Return an attribute of the product, or what all of its variants have alike."""
    for value in values_of(data.attributes, name):
        return text_of(value, locales)
    texts = {
        text_of(next(values_of(variant.attributes, name), None), locales)
        for variant in variants_of(data)
    }
    return texts.pop() if len(texts) == 1 else ""
