"""Batch rules of listings, for a frame with a row per product."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import pandas as pd
import pandera.pandas as pa

from domain.categories import category_key
from domain.errors import Problem
from domain.listings import is_item, is_new
from domain.parsing.text import has_controls
from domain.records.listings import Listing, NewVariant
from domain.schemas.batch import Rule, booleans, failures, integers, texts
from domain.skus import sku_key

LONGEST_NAME, LONGEST_TEXT, LONGEST_ADDRESS, MOST_IMAGES = 250, 60_000, 255, 100
ALL_FIELDS = (
    "name", "description", "warranty", "images", "brand", "categories", "price", "weight",
    "variants",
)  # fmt: skip
LONGEST_BRAND, LONGEST_CATEGORY, MOST_CATEGORIES = 250, 1_000, 100
MOST_VARIANTS, MOST_OPTIONS, LONGEST_OPTION = 100, 10, 255
_ADDRESS = re.compile(r"https://[^\s/?#@]+/[^\s]*", re.ASCII)
_BREAKS = str.maketrans("", "", "\t\r\n")
RULES: dict[str, Rule] = {
    "listing_empty": Rule(
        "record",
        "the listing changes nothing",
        "give a title, a description, a warranty, images, a brand or categories",
    ),
    "listing_title_invalid": Rule(
        "name",
        f"a title is one line of 1 to {LONGEST_NAME} characters",
        "correct the title",
    ),
    "listing_text_invalid": Rule(
        "description",
        f"a text has control characters, or more than {LONGEST_TEXT:,} characters",
        "correct the description or the warranty",
    ),
    "listing_image_invalid": Rule(
        "images",
        "an image is not an https address of at most 255 characters, or occurs twice",
        "give public addresses that start with https://",
    ),
    "listing_brand_invalid": Rule(
        "brand",
        f"a brand is one line of 1 to {LONGEST_BRAND} characters",
        "correct the brand",
    ),
    "listing_categories_invalid": Rule(
        "categories",
        f"categories are at most {MOST_CATEGORIES} names of up to {LONGEST_CATEGORY:,} characters, "
        "each of them once",
        "name each category once, such as Kitchen > Mugs",
    ),
    "listing_field_not_taken": Rule(
        "record",
        "the store's products don't have one of the listing's fields",
        "leave it out: docs/catalog.md lists the fields of each store",
    ),
    "listing_new_incomplete": Rule(
        "record",
        "a product to create lacks what the store needs: a title, a price, or a weight",
        "give the title, the price and the weight of the new product",
    ),
    "listing_variants_invalid": Rule(
        "variants",
        f"the variants to create are at most {MOST_VARIANTS}, each with its own SKU and "
        "its own combination of the same options",
        "give each row of the group its SKU and options, such as Colour: Red; Size: L",
    ),
    "listing_variants_left_out": Rule(
        "variants",
        "an earlier request for the same new product, waiting or rejected, has variants that "
        "this one lacks",
        "import all rows of the group, or discard the earlier rejection first",
    ),
    "listing_images_too_many": Rule(
        "images",
        f"a product has at most {MOST_IMAGES} images here",
        "leave some out",
    ),
}


class Listings(pa.DataFrameModel):
    """One row per product."""

    product_id: str
    changes_something: bool
    has_good_title: bool
    has_good_texts: bool
    has_good_images: bool
    image_count: int
    has_good_brand: bool
    has_good_categories: bool
    has_place: bool
    is_complete: bool
    has_good_variants: bool
    has_all_variants: bool

    @pa.check("changes_something", name="listing_empty")
    def _changes(cls, changes: pd.Series[bool]) -> pd.Series[bool]:
        return changes

    @pa.check("has_good_title", name="listing_title_invalid")
    def _title(cls, good: pd.Series[bool]) -> pd.Series[bool]:
        return good

    @pa.check("has_good_texts", name="listing_text_invalid")
    def _texts(cls, good: pd.Series[bool]) -> pd.Series[bool]:
        return good

    @pa.check("has_good_images", name="listing_image_invalid")
    def _images(cls, good: pd.Series[bool]) -> pd.Series[bool]:
        return good

    @pa.check("has_good_brand", name="listing_brand_invalid")
    def _brand(cls, good: pd.Series[bool]) -> pd.Series[bool]:
        return good

    @pa.check("has_good_categories", name="listing_categories_invalid")
    def _categories(cls, good: pd.Series[bool]) -> pd.Series[bool]:
        return good

    @pa.check("has_place", name="listing_field_not_taken")
    def _place(cls, has: pd.Series[bool]) -> pd.Series[bool]:
        return has

    @pa.check("is_complete", name="listing_new_incomplete")
    def _complete(cls, complete: pd.Series[bool]) -> pd.Series[bool]:
        return complete

    @pa.check("has_good_variants", name="listing_variants_invalid")
    def _variants(cls, good: pd.Series[bool]) -> pd.Series[bool]:
        return good

    @pa.check("has_all_variants", name="listing_variants_left_out")
    def _left_out(cls, has: pd.Series[bool]) -> pd.Series[bool]:
        return has

    @pa.check("image_count", name="listing_images_too_many")
    def _count(cls, counts: pd.Series[int]) -> pd.Series[bool]:
        return counts <= MOST_IMAGES


def listing_problems(
    listings: Sequence[Listing],
    fields: Collection[str] = ALL_FIELDS,
    needs: Collection[str] = (),
) -> Mapping[int, Sequence[Problem]]:
    """Return the problems of the failing listings by position.

    ``fields`` are those that a product of the store may have, ``needs`` those that one to create
    must have.
    """
    frame = pd.DataFrame(
        {
            "product_id": texts([listing.product_id for listing in listings]),
            "changes_something": booleans([_changes(one) for one in listings]),
            "has_place": booleans([_has_place(one, fields) for one in listings]),
            "is_complete": booleans([_is_complete(one, needs) for one in listings]),
            "has_good_variants": booleans([_are_variants(one.variants) for one in listings]),
            "has_all_variants": booleans([not one.left_out for one in listings]),
            "has_good_title": booleans(
                [one.name is None or _is_line(one.name, LONGEST_NAME) for one in listings]
            ),
            "has_good_texts": booleans(
                [_is_text(one.description) and _is_text(one.warranty) for one in listings]
            ),
            "has_good_images": booleans([_are_images(one.images or ()) for one in listings]),
            "image_count": integers([len(one.images or ()) for one in listings]),
            "has_good_brand": booleans(
                [one.brand is None or _is_line(one.brand, LONGEST_BRAND) for one in listings]
            ),
            "has_good_categories": booleans([_are_categories(one.categories) for one in listings]),
        }
    )
    return failures(Listings, frame, RULES)


def _changes(listing: Listing) -> bool:
    has_lists = listing.images is not None or listing.categories is not None
    return has_lists or bool(listing.texts or listing.variants)


def _has_place(listing: Listing, fields: Collection[str]) -> bool:
    return all(name in fields for name in ALL_FIELDS if getattr(listing, name) is not None)


def _is_complete(listing: Listing, needs: Collection[str]) -> bool:
    is_made = is_new(listing.product_id) or (is_item(listing.product_id) and not listing.sold_as)
    return not is_made or all(getattr(listing, field) is not None for field in needs)


def _are_variants(variants: Sequence[NewVariant] | None) -> bool:
    if variants is None:
        return True
    skus = {sku_key(variant.sku) for variant in variants}
    names = {tuple(option.name.casefold() for option in variant.options) for variant in variants}
    chosen = {tuple(option.value.casefold() for option in variant.options) for variant in variants}
    options = [option for variant in variants for option in variant.options]
    [*of_first] = next(iter(names), ())
    return (
        0 < len(variants) <= MOST_VARIANTS
        and len(skus) == len(chosen) == len(variants)
        and len(names) == 1
        and 0 < len(of_first) == len(set(of_first)) <= MOST_OPTIONS
        and all(
            _is_line(option.name, LONGEST_OPTION) and _is_line(option.value, LONGEST_OPTION)
            for option in options
        )
    )


def _is_line(text: str, longest: int) -> bool:
    return len(text.strip()) > 0 and len(text) <= longest and not has_controls(text)


def _are_categories(names: Sequence[str] | None) -> bool:
    if names is None:
        return True
    keys = {category_key(name) for name in names}
    return (
        len(keys) == len(names) <= MOST_CATEGORIES
        and all(keys)
        and all(len(name) <= LONGEST_CATEGORY and not has_controls(name) for name in names)
    )


def _is_text(text: str | None) -> bool:
    return text is None or (len(text) <= LONGEST_TEXT and not has_controls(text.translate(_BREAKS)))


def _are_images(images: Sequence[str]) -> bool:
    return len(set(images)) == len(images) and all(
        len(url) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(url) for url in images
    )
