"""Faults of listings, sheets and prices, put in as those in ``faults``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assets.streams.listings import items, items_plan, stream
from assets.streams.listings.group import Wanted
from resources.platforms.bigcommerce.listings import target as listings
from resources.platforms.bigcommerce.listings.creation import pictures
from resources.platforms.bigcommerce.prices import target as prices
from tests.model.mutants.faults import Mutant
from tests.model.world import World

KEPT = 7.5
"""The sale price that stays."""


def _forget_waiting(patch: pytest.MonkeyPatch, _: World) -> None:
    patch.setattr(stream, "_with", lambda listing, _waiting: listing)


def _use_faulty_rows(patch: pytest.MonkeyPatch, _: World) -> None:
    patch.setattr(Wanted, "of", classmethod(lambda cls, row: cls(row.number, row.cells)))


def _keep_sales(patch: pytest.MonkeyPatch, _: World) -> None:
    real = prices._row

    def row(change: Any) -> dict[str, Any]:
        found = real(change)
        return found if change.tag.sale is not None else found | {"sale_price": KEPT}

    patch.setattr(prices, "_row", row)


def _add_no_picture(patch: pytest.MonkeyPatch, _: World) -> None:
    patch.setattr(listings, "pictures", lambda images: pictures(images[:1]))


def _overwrite_edits(patch: pytest.MonkeyPatch, _: World) -> None:
    patch.setattr(items_plan, "given_values", lambda _known: {})


def _make_again(patch: pytest.MonkeyPatch, _: World) -> None:
    real = items.ItemReader.places

    def places(self: Any, skus: Any) -> Any:
        return {sku: replace(place, listed_as="") for sku, place in real(self, skus).items()}

    patch.setattr(items.ItemReader, "places", places)


MUTANTS = (
    Mutant(
        11,
        "an item's title replaces the merchant's",
        _overwrite_edits,
        also=("own_item", "rename_product"),
    ),
    Mutant(
        11,
        "a product that was deleted is made again",
        _make_again,
        also=("own_item", "drop_product"),
    ),
    Mutant(11, "a sale is not ended", _keep_sales, also=("set_sale", "set_price")),
    Mutant(
        11,
        "only the first picture is sent",
        _add_no_picture,
        also=("list_pictures", "import_sheet"),
    ),
    Mutant(
        11,
        "a faulty row of a sheet is used",
        _use_faulty_rows,
        also=("import_sheet", "import_again"),
    ),
    Mutant(
        11,
        "what waits is lost with the next request",
        _forget_waiting,
        also=("list_new", "list_group", "lose_products", "list_title"),
    ),
)
