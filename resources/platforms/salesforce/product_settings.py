"""Where an org keeps what its products have beside their standard fields.

``Product2`` has a name, description, family, SKU and unit (object reference). A warranty, barcodes
and sizes are in fields of the org's own; pictures are content of its CMS, which ``ProductMedia``
assigns to products; ``ProductAttribute`` says of which parent a product is a variation.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import StringConstraints, model_validator

from domain.policies import Config

Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
RecordId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")]
Usage: TypeAlias = Literal["Listing", "Standard", "Banner", "Tile"]
"""``ElectronicMediaGroup.UsageType`` of pictures: in lists of products, on a product's page, …"""
VARIATION, PARENT = "Variation", "VariationParent"
"""``ProductClass`` of a product that is one of several, and of what they are variations of, which
is not sold itself."""
CONTENTS_A_CALL = 25
"""Contents whose addresses are asked for in one call: the vendor advises no more on a page.
UNVERIFIED: that a call takes as many ids."""
SOURCE_NODE = "source"
"""Of a content: the node that has the picture's address. UNVERIFIED: of all types of pictures; any
other node with an address is taken where there is none."""


class ProductSettings(Config):
    """Fields of ``Product2`` by their API names, variations, and pictures; none by default."""

    warranty: ApiName | None = None
    brand: ApiName | None = None
    barcodes: dict[Name, ApiName] = {}
    """Kind, such as ``gtin`` or ``upc`` -> field."""
    weight: ApiName | None = None
    width: ApiName | None = None
    height: ApiName | None = None
    depth: ApiName | None = None
    attributes: dict[Name, ApiName] = {}
    """Name of an attribute -> field."""
    images: tuple[ApiName, ...] = ()
    """Fields with the address of a picture, the first one first."""
    media_channel: RecordId | None = None
    """Delivery channel of the CMS that has the pictures' addresses; without it content is not read.
    """
    media: tuple[Usage, ...] = ("Listing", "Standard")
    """Which groups of pictures are shown, the first picture from the first of them."""
    has_variations: bool = False
    """Read of which parent a product is a variation: it has the parent's pictures then, and the
    texts that it lacks itself."""
    options: dict[Name, ApiName] = {}
    """What distinguishes variations: name -> field of ``ProductAttribute``."""

    has_stock: bool = False
    """Read what is available of a product at all of the org's locations, too. A level alone makes
    no new version, so it is that of the product's last change."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.options and not self.has_variations:
            raise ValueError("products.options belongs to products.has_variations: true")
        if len(set(self.media)) < len(self.media) or not self.media:
            raise ValueError("products.media: name each group of pictures once")
        return self

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields of ``Product2`` that are read beside the standard ones."""
        sizes = (self.weight, self.width, self.height, self.depth)
        single = [name for name in (self.warranty, self.brand, *sizes) if name is not None]
        several = (*self.barcodes.values(), *self.attributes.values(), *self.images)
        return tuple(dict.fromkeys((*single, *several)))

    @property
    def completes(self) -> bool:
        """Return whether a product has more than its own fields."""
        return self.has_variations or self.has_stock or self.media_channel is not None
