"""The update actions that bring a product to a listing, by changed field. Pure.

Published data can't be written without the staged data beside them. So a field of which the
merchant has staged something else is left alone: writing it would lose what is prepared there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from domain.delivery import ListingSave
from domain.errors import Problem, RecordRejected
from domain.listings import moved_skus
from domain.skus import sku_key
from resources.platforms.commercetools.listings.attributes import (
    ATTRIBUTES,
    ENUMS,
    LOCALIZED,
    definition_of,
    enum_key,
    plain,
    unsuitable,
)
from resources.platforms.commercetools.listings.creation import added_variants
from resources.platforms.commercetools.listings.payload import (
    AttributeDefinition,
    AttributeType,
    ListedProduct,
    ListedVariant,
    MasterData,
    ProductData,
    ProductType,
)
from resources.platforms.commercetools.listings.product import (
    category_ids,
    data_of,
    locale_of,
    localized,
    own_skus,
    pictures_of,
    values_of,
    variants_of,
)
from resources.platforms.commercetools.settings import UNKNOWN_SIZE, CommercetoolsSettings

Action = dict[str, Any]
STANDALONE = "Standalone"
"""The price mode of a product whose variants' own prices have no effect."""


def actions_of(
    product: ListedProduct,
    save: ListingSave,
    settings: CommercetoolsSettings,
    kind: ProductType | None,
    categories: Sequence[str] | None = None,
) -> list[Action]:
    """Return what makes a product show a listing; nothing if it shows all of it.

    ``kind`` is the product's type, ``categories`` are the ids of all that it should be in. Raises
    ``RecordRejected`` with every field that can't be written, and for a product that sells other
    SKUs.
    """
    if moved := moved_skus(save.skus, own_skus(product, settings)):
        raise RecordRejected(*moved)
    fields = _Fields(product, settings)
    if save.variants:
        sold = {sku_key(sku) for sku in own_skus(product, settings)}
        missing = [one for one in save.variants if sku_key(one.sku) not in sold]
        fields.add(replace(save, variants=missing), kind or ProductType())
    for field, text in save.texts.items():
        if field in ATTRIBUTES:
            fields.attribute(field, text, definition_of(kind or ProductType(), field))
        else:
            fields.text(field, text)
    if save.images is not None:
        fields.pictures(list(save.images))
    if categories is not None:
        fields.categories(categories)
    if fields.problems:
        raise RecordRejected(*fields.problems)
    return fields.actions


class _Fields:
    """Collects the actions and problems of one product."""

    def __init__(self, product: ListedProduct, settings: CommercetoolsSettings) -> None:
        self._product = product
        master = product.master_data or MasterData()
        self._data = data_of(product, settings)
        self._is_staged = settings.listings == "staged"
        self._staged = self._data if self._is_staged else master.staged or ProductData()
        self._locale = locale_of(product, settings)
        self.actions: list[Action] = []
        self.problems: list[Problem] = []

    def text(self, field: str, text: str) -> None:
        """Change the name or the description, in one language."""
        name = field == "name"
        shown = (self._data.name if name else self._data.description) or {}
        staged = (self._staged.name if name else self._staged.description) or {}
        wanted = localized(shown, self._locale, text)
        if wanted == shown:
            return
        if staged not in (shown, wanted):
            self.problems.append(_prepared(field))
            return
        self._add("changeName" if name else "setDescription", **({field: wanted} if wanted else {}))

    def attribute(self, name: str, text: str, definition: AttributeDefinition | None) -> None:
        """Change the attribute that holds a text, of the product or of all variants."""
        problem = unsuitable(name, text, definition)
        if definition is None or problem is not None:
            self.problems += [problem] if problem is not None else []
            return
        of_product = definition.level == "Product"
        shown, staged = (
            [plain(value) for value in _values(one, name, of_product=of_product)]
            for one in (self._data, self._staged)
        )
        wanted = [self._value(value, text, definition) for value in shown]
        if wanted == shown:
            return
        if staged not in (shown, wanted):
            self.problems.append(_prepared(name))
            return
        if of_product:
            self._set("setProductAttribute", name, wanted[0])
        elif all(value == wanted[0] for value in wanted):
            self._set("setAttributeInAllVariants", name, wanted[0])
        else:
            for variant, value in zip(variants_of(self._data), wanted, strict=True):
                self._set("setAttribute", name, value, variantId=variant.id)

    def categories(self, wanted: Sequence[str]) -> None:
        """Put the product into categories, and take it out of all others."""
        shown, staged = category_ids(self._data), category_ids(self._staged)
        if set(wanted) == set(shown):
            return
        if set(staged) != set(shown):
            self.problems.append(_prepared("categories"))
            return
        changes = [("addToCategory", one) for one in wanted if one not in shown]
        changes += [("removeFromCategory", one) for one in shown if one not in wanted]
        for action, one in changes:
            self._add(action, category={"typeId": "category", "id": one})

    def pictures(self, wanted: list[str]) -> None:
        """Remove, add and move the master variant's pictures."""
        shown, staged = pictures_of(self._data), pictures_of(self._staged)
        if wanted == shown:
            return
        masters = [data.master_variant for data in (self._data, self._staged)]
        ids = [master.id if master is not None else None for master in masters]
        if staged != shown or ids[0] != ids[1]:
            self.problems.append(_prepared("images"))
            return
        of_master: Action = {"variantId": ids[0]}
        for url in shown:
            if url not in wanted:
                self._add("removeImage", imageUrl=url, **of_master)
        order = [url for url in shown if url in wanted]
        for url in wanted:
            if url not in order:
                order.append(url)
                image = {"url": url, "dimensions": dict(UNKNOWN_SIZE)}
                self._add("addExternalImage", image=image, **of_master)
        for place, url in enumerate(wanted):
            if order[place] != url:
                order.remove(url)
                order.insert(place, url)
                self._add("moveImageToPosition", imageUrl=url, position=place, **of_master)

    def add(self, save: ListingSave, kind: ProductType) -> None:
        """Add variants; what their type has no place for is a problem."""
        has_prices = self._product.price_mode != STANDALONE
        try:
            drafts = added_variants(save, kind, self._locale, has_prices=has_prices)
        except RecordRejected as rejected:
            self.problems += rejected.problems
            return
        master = self._data.master_variant or ListedVariant()
        for name in ATTRIBUTES:
            for value in values_of(master.attributes, name):
                for draft in drafts:
                    draft["attributes"].append({"name": name, "value": plain(value)})
        for draft in drafts:
            self._add("addVariant", **draft)

    def _value(self, value: Any, text: str, definition: AttributeDefinition) -> Any:
        """Return an attribute's value with a text in it; ``None`` if nothing is left."""
        kind = definition.type or AttributeType()
        if kind.name != LOCALIZED:
            return enum_key(kind, text) if text and kind.name in ENUMS else text or None
        return localized(value if isinstance(value, dict) else {}, self._locale, text) or None

    def _set(self, action: str, name: str, value: Any, **more: Any) -> None:
        given = {} if value is None else {"value": value}
        self._add(action, name=name, **given, **more)

    def _add(self, action: str, **fields: Any) -> None:
        self.actions.append({"action": action, "staged": self._is_staged, **fields})


def _values(data: ProductData, name: str, *, of_product: bool) -> list[Any]:
    """Return the attribute's value of the product, or of each variant; ``None`` for none."""
    owners = [data.attributes] if of_product else [one.attributes for one in variants_of(data)]
    return [next(values_of(attributes, name), None) for attributes in owners]


def _prepared(field: str) -> Problem:
    return Problem(
        "listing_draft_pending",
        field,
        f"the product has unpublished changes of its {field}, which it would lose",
        "publish or revert them in the store, then retry; or set platform.listings to staged",
    )
