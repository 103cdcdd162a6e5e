"""Texts and pictures of a project's products, as a target of deliveries.

A product is changed under the version that was read. After another change the actions are computed
again, from what the product shows then: sent again on another version they would undo it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import cached_property, partial

import orjson

from domain.categories import Categories
from domain.delivery import (
    Claimed,
    Held,
    ListingSave,
    NewListing,
    Question,
)
from domain.errors import Problem, RecordRejected, TransientError
from domain.exchange import ExchangeLog, Receipt
from domain.listings import product_gone, sku_named, sku_taken
from domain.parsing.answers import document_of
from resources.http.async_client import AsyncApiClient
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import request_id
from resources.platforms.commercetools.client import (
    CONFLICT,
    MISSING,
    Params,
    one_of,
    query,
    quoted,
    refuse,
)
from resources.platforms.commercetools.listings.actions import actions_of
from resources.platforms.commercetools.listings.attributes import ATTRIBUTES
from resources.platforms.commercetools.listings.categories import categories_of
from resources.platforms.commercetools.listings.checks import product_type
from resources.platforms.commercetools.listings.creation import draft_of
from resources.platforms.commercetools.listings.payload import (
    LISTED_PRODUCTS,
    ListedProduct,
    ProductType,
)
from resources.platforms.commercetools.listings.product import (
    category_ids,
    data_of,
    is_published,
    shown,
)
from resources.platforms.commercetools.settings import (
    MOST_CONFLICTS,
    MOST_SEEN,
    PRODUCTS_A_CALL,
    CommercetoolsSettings,
)
from resources.store_listings import ListingsWriter, StoreListings, created_meanwhile

PATH, SCOPE = "/products", "view_products"
INVALID = 400
ADVICE = "correct the texts, pictures or new values in the sheet"


class CommercetoolsListings(StoreListings):
    """``domain.targets.ListingTarget``: a product is changed field by field."""

    def __init__(
        self, policy: ClientPolicy, settings: CommercetoolsSettings, reader: ApiClient
    ) -> None:
        super().__init__(policy, settings.write_concurrency)
        self._policy, self._settings, self._reader = policy, settings, reader
        texts = ("name", "description", "warranty")
        self.fields = (
            *texts, "images", "brand", "categories", "price", "variants"
        )  # fmt: skip
        self.needs = ("name",)

    def writer(self, log: ExchangeLog) -> CommercetoolsListingsWriter:
        """Open the project for writing products."""
        push = AsyncApiClient(self._policy, concurrency=self._settings.write_concurrency, log=log)
        return CommercetoolsListingsWriter(push, self._reader, self._settings)


class CommercetoolsListingsWriter(ListingsWriter):
    """``domain.targets.Writer`` of listings."""

    def __init__(
        self, push: AsyncApiClient, reader: ApiClient, settings: CommercetoolsSettings
    ) -> None:
        super().__init__(push)
        self._push, self._reader, self._settings = push, reader, settings
        self._seen: dict[str, ListedProduct] = {}
        self._types: dict[str, ProductType | None] = {}

    @cached_property
    def _categories(self) -> Categories:
        """Return the project's categories, read once, and only where a listing names one."""
        return categories_of(self._reader, self._settings.locales)

    def read(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what products show; one that is not published is not sold."""
        found = self._by_id(list(asked))
        return {
            name: self._shown(product, question)
            for name, question in asked.items()
            if (product := found.get(name)) is not None and is_published(product)
        }

    def by_sku(self, name: str, question: Question) -> Held:
        """Return the product that has the SKU of a product to create, published or not."""
        same = list(self._with_sku(sku_named(name)).values())
        if len(same) > 1:
            ids = [product.id or "" for product in same]
            return Held(name, problems=(sku_taken(ids, "there are several"),))
        return self._shown(same[0], question) if same else Held(name)

    def _shown(self, product: ListedProduct, question: Question) -> Held:
        identifier = product.id or ""
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()  # those that had nothing to change; any other is read again
        self._seen[identifier] = product
        content = shown(product, self._settings)
        for listing in question:
            if listing.categories is not None:
                ids = category_ids(data_of(product, self._settings))
                content["categories"] = self._categories.names(ids, listing.categories)
        return Held(identifier, content)

    async def _category_ids(self, names: Sequence[str] | None) -> list[str] | None:
        """Return the ids of categories. Raises ``RecordRejected`` for one that is not known."""
        if names is None:
            return None
        return (await asyncio.to_thread(lambda: self._categories)).ids(names)

    def _by_id(self, product_ids: Sequence[str]) -> dict[str, ListedProduct]:
        found: dict[str, ListedProduct] = {}
        for start in range(0, len(product_ids), PRODUCTS_A_CALL):
            found |= self._matching(one_of("id", product_ids[start : start + PRODUCTS_A_CALL]))
        return found

    def _matching(self, condition: str) -> dict[str, ListedProduct]:
        """Return the products that meet a condition, by id; one call."""
        params: Params = {"where": [condition], "limit": PRODUCTS_A_CALL}
        raws = query(self._reader, PATH, params, SCOPE)
        products = [document_of(f"commercetools: GET {PATH}", r, LISTED_PRODUCTS) for r in raws]
        return {product.id: product for product in products if product.id}

    def _with_sku(self, sku: str) -> dict[str, ListedProduct]:
        """Return the products that have a SKU, published or not."""
        of_data = f"masterVariant(sku = {quoted(sku)}) or variants(sku = {quoted(sku)})"
        return self._matching(f"masterData(current({of_data}) or staged({of_data}))")

    def _type(self, product: ListedProduct) -> ProductType | None:
        """Return the product's type, if the project has it."""
        kind = (product.product_type.id if product.product_type is not None else None) or ""
        if kind not in self._types:
            self._types[kind] = product_type(self._reader, "id", kind)
        return self._types[kind]

    async def create(self, claimed: Claimed) -> Receipt:
        """Create a product with its variants, in one call.

        A second one with its key, or with one of its SKUs, is refused. It may be the product itself
        that an earlier call has created: the next run compares it.
        """
        new: NewListing = claimed.content
        kind, locales = None, self._settings.locales
        if self._settings.product_type is not None:
            named = self._settings.product_type
            kind = await asyncio.to_thread(product_type, self._reader, "key", named)
        if kind is None or not locales:
            raise RecordRejected(_no_type())
        ids = await self._category_ids(new.listing.categories)
        reply = await self._push.request(
            "POST",
            PATH,
            body=orjson.dumps(draft_of(new, self._settings, kind, locales[0], ids or ())),
            correlation_id=claimed.correlation_id,
            idempotent=True,  # of a key and a SKU a project takes one product
            decode=_made,
        )
        if not reply.ok:
            sku = new.listing.sku
            found = await asyncio.to_thread(self._with_sku, sku) if reply.status == INVALID else {}
            if found:
                raise created_meanwhile("commercetools", sku)
            refuse(reply, "listing_refused", "record", ADVICE)
        return Receipt(reply.value, trace_id=request_id(reply.headers))

    async def save(self, claimed: Claimed) -> Receipt:
        """Change a product in the version that was read, or in a later one that another made."""
        save: ListingSave = claimed.content
        product = self._seen.pop(save.product_id, None)
        ids = await self._category_ids(save.categories)
        was_hidden = product is not None and not is_published(product)
        for _ in range(MOST_CONFLICTS):
            if product is None:
                found = await asyncio.to_thread(self._by_id, [save.product_id])
                product = found.get(save.product_id)
                if product is None or not (was_hidden or is_published(product)):
                    raise RecordRejected(product_gone(save.product_id))
            kind = None
            if not save.texts.keys().isdisjoint(ATTRIBUTES) or save.variants:
                kind = await asyncio.to_thread(self._type, product)
            actions = actions_of(product, save, self._settings, kind, ids)
            if not actions:
                return Receipt(save.product_id)
            reply = await self._push.request(
                "POST",
                f"{PATH}/{save.product_id}",
                body=orjson.dumps({"version": product.version, "actions": actions}),
                correlation_id=claimed.correlation_id,
                idempotent=True,  # a version is changed once
                decode=partial(_written, save.product_id),
            )
            if reply.ok:
                return Receipt(save.product_id, trace_id=request_id(reply.headers))
            if reply.status not in (CONFLICT, MISSING):
                refuse(reply, "listing_refused", "record", ADVICE)
            product = None
        raise TransientError(
            f"commercetools: the product {save.product_id} has changed {MOST_CONFLICTS} times "
            "while it was written; trying again later may help"
        )


def _written(expected: str, body: bytes) -> str:
    """Return the id of a written product; raises ``ValueError`` if the answer is no such."""
    try:
        product = LISTED_PRODUCTS.decode(body).document
    except RecordRejected as rejected:
        raise ValueError(str(rejected)) from None
    if product.id != expected:
        raise ValueError(f"the answer is about {str(product.id)[:40]}, not {expected}")
    return expected


def _made(body: bytes) -> str:
    """Return the id of a new product; raises ``ValueError`` if the answer has none."""
    try:
        found = LISTED_PRODUCTS.decode(body).document.id
    except RecordRejected as rejected:
        raise ValueError(str(rejected)) from None
    if not found:
        raise ValueError("the answer has no id")
    return found


def _no_type() -> Problem:
    return Problem(
        "listing_not_created",
        "record",
        "the settings name no product type, or no language, for products that are created",
        "name a type's key in platform.product_type and the language in platform.locales, then "
        "retry",
    )
