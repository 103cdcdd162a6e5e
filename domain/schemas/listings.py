"""Batch rules of listings, for a frame with a row per product."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd
import pandera.pandas as pa

from domain.errors import Problem
from domain.records.listings import Listing
from domain.schemas.batch import Rule, booleans, failures, integers, texts
from domain.text import has_controls

LONGEST_NAME, LONGEST_TEXT, LONGEST_ADDRESS, MOST_IMAGES = 250, 60_000, 255, 100
_ADDRESS = re.compile(r"https://[^\s/?#@]+/[^\s]*", re.ASCII)
_BREAKS = str.maketrans("", "", "\t\r\n")
RULES: dict[str, Rule] = {
    "listing_empty": Rule(
        "record",
        "the listing changes nothing",
        "give a title, a description, a warranty or images",
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
        "an image is no https address of at most 255 characters, or is there twice",
        "give public addresses that start with https://",
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

    @pa.check("image_count", name="listing_images_too_many")
    def _count(cls, counts: pd.Series[int]) -> pd.Series[bool]:
        return counts <= MOST_IMAGES


def listing_problems(listings: Sequence[Listing]) -> Mapping[int, Sequence[Problem]]:
    """Return the problems of the failing listings by position."""
    frame = pd.DataFrame(
        {
            "product_id": texts([listing.product_id for listing in listings]),
            "changes_something": booleans(
                [bool(one.texts) or one.images is not None for one in listings]
            ),
            "has_good_title": booleans([_is_title(one.name) for one in listings]),
            "has_good_texts": booleans(
                [_is_text(one.description) and _is_text(one.warranty) for one in listings]
            ),
            "has_good_images": booleans([_are_images(one.images or ()) for one in listings]),
            "image_count": integers([len(one.images or ()) for one in listings]),
        }
    )
    return failures(Listings, frame, RULES)


def _is_title(name: str | None) -> bool:
    if name is None:
        return True
    return len(name.strip()) > 0 and len(name) <= LONGEST_NAME and not has_controls(name)


def _is_text(text: str | None) -> bool:
    return text is None or (len(text) <= LONGEST_TEXT and not has_controls(text.translate(_BREAKS)))


def _are_images(images: Sequence[str]) -> bool:
    return len(set(images)) == len(images) and all(
        len(url) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(url) for url in images
    )
