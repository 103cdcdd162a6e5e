"""Which product a listing is about, and what is wrong where that product is another one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.errors import Problem
from domain.records.listings import Listing, NewVariant
from domain.skus import sku_key

_NEW, _ITEM = "new:", "item:"
EDIT_DOUBTFUL = "listing_edit_doubtful"
"""The code of an item where a restored ledger can't know if the store or we have changed it."""


def new_id(sku: str) -> str:
    """Return the id of a product to create, which the store does not know yet: of its first SKU."""
    return _NEW + sku


def is_new(product_id: str) -> bool:
    """Return whether an id is of a product to create."""
    return product_id.startswith(_NEW)


def item_id(sku: str) -> str:
    """Return the id of an item of the OMS, whatever product of the store sells it."""
    return _ITEM + sku


def is_item(product_id: str) -> bool:
    """Return whether an id is of an item of the OMS."""
    return product_id.startswith(_ITEM)


def is_by_sku(product_id: str) -> bool:
    """Return whether a product is looked for by its SKU, since its id is not known."""
    return is_new(product_id) or is_item(product_id)


def sku_named(product_id: str) -> str:
    """Return the SKU by which a product is looked for in the store."""
    return product_id.removeprefix(_NEW).removeprefix(_ITEM)


def known_skus(listing: Listing) -> tuple[str, ...]:
    """Return the SKUs that the product must sell already, or it is not the one that was meant."""
    if is_new(listing.product_id):
        return listing.skus
    return tuple(dict.fromkeys((listing.sku, *listing.taken_in)))


def lacking(listing: Listing, sold: Iterable[str]) -> tuple[NewVariant, ...]:
    """Return the variants that a listing adds to its product, which does not sell them yet."""
    keys = {sku_key(sku) for sku in sold}
    variants = listing.variants or ()
    return tuple(variant for variant in variants if sku_key(variant.sku) not in keys)


def moved_skus(wanted: Iterable[str], sold: Iterable[str]) -> list[Problem]:
    """Return a problem for each SKU that a listing names and its product no longer sells."""
    return [_moved(sku) for sku in _absent(wanted, sold)]


def taken_skus(product_id: str, wanted: Iterable[str], sold: Iterable[str]) -> list[Problem]:
    """Return what is wrong where the store has a product with some SKUs of a new one only."""
    absent = _absent(wanted, sold)
    if not absent:
        return []
    return [sku_taken([product_id], f"it does not sell {', '.join(absent[:5])}")]


def sku_taken(product_ids: Sequence[str], reason: str) -> Problem:
    """Return the problem of a new product whose SKU the store has, but not as was asked for."""
    return Problem(
        "listing_sku_taken",
        "sku",
        f"the store has the SKU already, in the product {', '.join(product_ids[:5])}; {reason}",
        "correct the SKUs in the sheet or the store; or run the stream catalog and import the rows "
        "again: variants that the product lacks are added to it then",
        ", ".join(product_ids[:5]),
    )


def adopted(product_id: str) -> Problem:
    """Return the note about a product that was made in the store before it could be created."""
    return Problem(
        "listing_product_adopted",
        "sku",
        f"the store has the SKU already, in the product {product_id}: its texts and pictures were "
        "compared, its price, weight and variants stay",
        "compare the product in the store with the sheet",
        product_id,
    )


def replaced() -> Problem:
    """Return the note about a request whose product has had a newer one, by another of its ids."""
    return Problem(
        "listing_replaced",
        "record",
        "a newer request for the same product was delivered, so this one was not written",
        "compare the product in the store with the sheet; import what is missing again",
    )


def new_values_kept(fields: Sequence[str]) -> Problem:
    """Return the note about what only a product's creation can give it."""
    return Problem(
        "listing_new_values_kept",
        "record",
        f"{', '.join(fields)}: used for new products only, and the store has the product already",
        "change them in the store where they differ",
    )


def in_other_language(fields: Sequence[str]) -> Problem:
    """Return the note about texts that a product shows, but not in the connection's language."""
    return Problem(
        "listing_in_other_language",
        "record",
        f"{', '.join(fields)}: the product shows this text in another language only, so it was not "
        "written",
        "deliver the listing with force, or enter the text in the store",
    )


def not_created() -> Problem:
    """Return the problem of a new product in a connection that creates none."""
    return Problem(
        "listing_not_created",
        "sku",
        "the store has no product with the SKU, and the connection creates none",
        "set catalog.create_products to hidden or visible, or discard the request",
    )


def edits_kept(fields: Sequence[str]) -> Problem:
    """Return the note about what was changed in the store since the OMS's value was written."""
    return Problem(
        "listing_edit_kept",
        "record",
        f"{', '.join(fields)}: changed in the store since, and not at the OMS, so it stays",
        "to write the OMS's value again: lockstep catalog from-oms CONNECTION SKU",
    )


def edits_doubtful(fields: Sequence[str]) -> Problem:
    """Return why an item is not written to a product that a restored ledger knows too little of."""
    return Problem(
        EDIT_DOUBTFUL,
        ", ".join(fields),
        f"{', '.join(fields)}: the store shows another value than the OMS has. The ledger was "
        "restored from a backup, so it may have been edited in the store, or written since",
        "to write the OMS's values: lockstep catalog from-oms CONNECTION SKU; to leave the store's "
        "until the OMS's change: discard the rejection",
    )


def edits_replaced(fields: Sequence[str]) -> Problem:
    """Return the note about what was changed in the store, and then at the OMS."""
    return Problem(
        "listing_edit_replaced",
        "record",
        f"{', '.join(fields)}: changed in the store and later at the OMS, which owns it",
        "change it at the OMS, or take the field out of catalog.oms_fields",
    )


def one_of_many(product_id: str) -> Problem:
    """Return the note about an item that is one variant of a product."""
    return Problem(
        "listing_item_is_variant",
        "sku",
        f"the item is one variant of the product {product_id}, whose texts are of all of them",
        "change the product by a sheet",
        product_id,
    )


def product_removed(product_id: str) -> Problem:
    """Return the note about an item whose product the merchant has removed."""
    return Problem(
        "listing_product_removed",
        "product_id",
        "the store no longer has the item's product, which is not created again by itself",
        "to create it again: lockstep catalog from-oms CONNECTION SKU",
        product_id,
    )


def product_gone(product_id: str) -> Problem:
    """Return the problem of a listing whose product the store no longer sells."""
    return Problem(
        "listing_product_gone",
        "product_id",
        "the store no longer has the product",
        "look for the product in the store, and import the row again under its current SKU",
        product_id,
    )


def _absent(wanted: Iterable[str], sold: Iterable[str]) -> list[str]:
    keys = {sku_key(sku) for sku in sold}
    return [sku for sku in wanted if sku_key(sku) not in keys]


def _moved(sku: str) -> Problem:
    return Problem(
        "listing_product_gone",
        "sku",
        f"the product no longer sells the SKU {sku} in the store, so it was not changed",
        "run the stream catalog, discard this rejection, and import the row again",
        sku,
    )
