"""Batch rules of listings."""

from __future__ import annotations

from typing import Any

import pytest

from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from domain.schemas.listings import MOST_IMAGES, listing_problems

URL = "https://img.example.com/{}.jpg"


def listing(number: int = 1, **wanted: Any) -> Listing:
    """Return a listing."""
    return Listing(product_id=str(number), sku="A", **wanted)


def test_good_listings_pass() -> None:
    """Texts of several lines, and no pictures at all."""
    good = [
        listing(1, name="Mug"),
        listing(2, description="<p>\n\tA mug</p>\r\n"),
        listing(3, images=()),
        listing(4, images=(URL.format(1), URL.format(2))),
    ]
    assert listing_problems(good) == {}


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, "listing_empty"),
        ({"name": " "}, "listing_title_invalid"),
        ({"name": "a\nb"}, "listing_title_invalid"),
        ({"name": "x" * 251}, "listing_title_invalid"),
        ({"description": "a\x00b"}, "listing_text_invalid"),
        ({"warranty": "x" * 60_001}, "listing_text_invalid"),
        ({"images": ("http://img.example.com/1.jpg",)}, "listing_image_invalid"),
        ({"images": ("https://a:b@img.example.com/1.jpg",)}, "listing_image_invalid"),
        ({"images": (URL.format(1), URL.format(1))}, "listing_image_invalid"),
        ({"images": (URL.format("x" * 255),)}, "listing_image_invalid"),
        (
            {"images": tuple(URL.format(n) for n in range(MOST_IMAGES + 1))},
            "listing_images_too_many",
        ),
    ],
)
def test_each_rule_fails_its_own_listing_and_no_other(wanted: dict[str, Any], code: str) -> None:
    """The good one before it goes on."""
    found = listing_problems([listing(1, name="Mug"), listing(2, **wanted)])
    assert {place: [one.code for one in problems] for place, problems in found.items()} == {
        1: [code]
    }


def test_variants_need_a_store_whose_products_have_them() -> None:
    """In another one each SKU is a product of its own."""
    size = NewVariant(sku="A", options=(Attribute(name="Size", value="L"),))
    group = listing(1, name="Mug", variants=(size,))
    [(place, [problem])] = listing_problems([group], ("name", "price")).items()
    assert (place, problem.code) == (0, "listing_field_not_taken")
    assert listing_problems([group], ("name", "variants")) == {}
