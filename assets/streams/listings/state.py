"""What the ledger keeps of a product that listings were written to, and what follows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from domain.categories import category_key
from domain.identity import content_digest
from domain.listings import is_new
from domain.parsing.text import clean_text
from domain.records.listings import Listing
from domain.skus import sku_key
from resources.ledger.rows import TargetRow

Json = dict[str, Any]
ONLY_NEW = ("price", "weight", "variants")
"""What a product has from its creation alone."""


def content_of(
    listing: Listing,
    before: TargetRow | None,
    *,
    made: Json | None = None,
    is_partial: bool = False,
    is_applied: bool = True,
) -> bytes:
    """Return what is kept of a listing that the store took, if ``is_applied``.

    ``made`` is what the product was created with, ``is_partial`` that a part was not saved.
    """
    images = images_of(before)
    if is_applied and listing.images is not None:
        images = list(listing.images)
    texts = sorted(listing.texts) if is_applied else []
    kept: Json = {"images": images, "texts": texts}
    if made is not None:
        kept["made"] = made
    if is_partial:
        kept["is_partial"] = True
    return orjson.dumps(kept)


def images_of(row: TargetRow | None) -> list[str] | None:
    """Return the pictures that were sent last, if any were."""
    images: list[str] | None = None if row is None else orjson.loads(row.content)["images"]
    return images


def is_partial(row: TargetRow) -> bool:
    """Return whether the store has saved a part only of what was sent last."""
    return bool(orjson.loads(row.content).get("is_partial"))


def last_images(rows: Iterable[TargetRow]) -> list[str] | None:
    """Return the pictures that were sent last, whichever request of a product had them."""
    newest = sorted(rows, key=lambda row: row.source_updated_at, reverse=True)
    return next((images for row in newest if (images := images_of(row)) is not None), None)


def made_with(rows: Iterable[TargetRow]) -> Json | None:
    """Return what a product was created with; ``None`` if it was not created by us."""
    newest = sorted(rows, key=lambda row: row.source_updated_at, reverse=True)
    kept = (orjson.loads(row.content).get("made") for row in newest if is_new(row.target_key))
    return next((made for made in kept if made is not None), None)


def new_values(listing: Listing) -> Json:
    """Return what a listing wants of a product that only its creation can give it."""
    variants = [
        [one.sku, [[o.name, o.value] for o in one.options], _text(one.price), _text(one.weight)]
        for one in listing.variants or ()
    ]
    wanted = {
        "price": _text(listing.price),
        "weight": _text(listing.weight),
        "variants": sorted(variants) or None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def unmet(listing: Listing, made: Json | None) -> list[str]:
    """Return what a listing wants of a product that was created with other values."""
    wanted = new_values(listing)
    return [name for name in ONLY_NEW if name in wanted and wanted[name] != (made or {}).get(name)]


def shows_all(listing: Listing, shown: Mapping[str, Any]) -> bool:
    """Return whether a product is just what a listing asks to create: its texts, pictures, SKUs."""
    wanted: Sequence[str] = listing.images or ()
    pictures = shown.get("addresses", shown.get("images"))
    skus = {sku_key(sku) for sku in shown["skus"] if sku}
    return (
        all(shown[name] == (listing.texts.get(name) or "") for name in ("name", "description"))
        and pictures in (list(wanted), len(wanted))
        and skus == {sku_key(sku) for sku in listing.skus}
    )


def values_of(listing: Listing) -> Json:
    """Return the texts and pictures that a listing asks for, by field."""
    lists = {"images": listing.images, "categories": listing.categories}
    return listing.texts | {name: one for name, one in lists.items() if one is not None}


def given_values(row: TargetRow | None) -> dict[str, str]:
    """Return by field the digest of the OMS's value that a product had when it was last written."""
    given: dict[str, str] = {} if row is None else orjson.loads(row.content).get("given", {})
    return dict(given)


def edits_of(row: TargetRow | None) -> dict[str, str]:
    """Return by field what the store showed of the edits that were left to it."""
    edits: dict[str, str] = {} if row is None else orjson.loads(row.content).get("edits", {})
    return dict(edits)


def value_digest(field: str, value: str | Sequence[str]) -> str:
    """Return the digest of a field's value; forms that count as the same have one."""
    if field == "categories":
        value = sorted(map(category_key, value))
    text = normal(field, value) if isinstance(value, str) else "\n".join(value)
    return content_digest(text.encode()).hex()


def is_same(field: str, shown: str, wanted: str) -> bool:
    """Return whether a text is shown, by the form in which an exported sheet has it."""
    return normal(field, shown) == normal(field, wanted)


def normal(field: str, text: str) -> str:
    """Return a text in its one form: line ends alike, and no spaces around it.

    The catalog keeps names without needless spaces and invisible characters. Brands are the same in
    any case.
    """
    if field == "brand":
        return clean_text(text).casefold()
    if field == "name":
        return clean_text(text)
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount.normalize(), "f")
