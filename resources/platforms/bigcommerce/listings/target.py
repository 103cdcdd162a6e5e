"""Texts and pictures of a store's products, as a target of deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from domain.delivery import (
    Claimed,
    Held,
    ListingSave,
    NewListing,
    Question,
)
from domain.errors import Problem, RecordRejected
from domain.exchange import ExchangeLog, Receipt
from domain.listings import sku_named, sku_taken
from resources.http.async_client import AsyncApiClient
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import error_text, request_id, vendor_text
from resources.http.reply import Reply
from resources.platforms.bigcommerce.catalog import (
    IDS_A_CALL,
    is_product_id,
    products_by_id,
)
from resources.platforms.bigcommerce.client import (
    LOCKED,
    accept,
    entries_of,
    id_checked,
    written_data_id,
)
from resources.platforms.bigcommerce.listings.creation import (
    document_of_new,
    pictures,
    products_with,
)
from resources.platforms.bigcommerce.listings.names import StoreNames
from resources.platforms.bigcommerce.listings.payload import (
    LISTED_PRODUCTS,
    PARTIAL_ANSWERS,
    ListedProduct,
)
from resources.platforms.bigcommerce.listings.variants import VariantAdder
from resources.platforms.bigcommerce.settings import CATALOG_PAGE, BigCommerceSettings
from resources.store_listings import ListingsWriter, StoreListings, created_meanwhile

TEXTS = ("name", "description", "warranty")
"""Canonical fields of a listing, which the store calls by the same names."""
REFERENCES = ("brand_id", "categories")
PATH = "/v3/catalog/products"
ADVICE = "correct the texts, pictures or new values in the sheet"
PARTIAL = 207
REFUSALS = (400, 409, 422)
"""Answers to a creation that are about the product: 409 is a name or a SKU that another one has."""


class BigCommerceListings(StoreListings):
    """``domain.targets.ListingTarget``: a product is changed field by field."""

    def __init__(
        self,
        policy: ClientPolicy,
        settings: BigCommerceSettings,
        reader: ApiClient,
        *,
        creates_brands: bool,
    ) -> None:
        super().__init__(policy, settings.write_concurrency)
        self._policy, self._settings, self._reader = policy, settings, reader
        self._creates_brands = creates_brands
        self.fields = (
            *TEXTS, "images", "brand", "categories", "price", "weight", "variants"
        )  # fmt: skip
        self.needs = ("name", "price", "weight")

    def writer(self, log: ExchangeLog) -> BigCommerceListingsWriter:
        """Open the store for writing products."""
        push = AsyncApiClient(self._policy, concurrency=self._settings.write_concurrency, log=log)
        return BigCommerceListingsWriter(push, self._reader, creates_brands=self._creates_brands)


class BigCommerceListingsWriter(ListingsWriter):
    """``domain.targets.Writer`` of listings."""

    def __init__(
        self, push: AsyncApiClient, reader: ApiClient, *, creates_brands: bool = False
    ) -> None:
        super().__init__(push)
        self._push, self._reader = push, reader
        self._variants = VariantAdder(push, reader)
        self._names = StoreNames(reader, creates_brands=creates_brands)

    def by_sku(self, name: str, question: Question) -> Held:
        """Return the product that has the SKU of a product to create, if there is one."""
        ids = products_with(self._reader, sku_named(name))
        if not ids:
            return Held(name)
        if len(ids) > 1:
            return Held(name, problems=(sku_taken(ids, "there are several"),))
        return self.read({ids[0]: question}).get(ids[0]) or Held(name)

    def read(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return the texts that products show, how many pictures they have, and their SKUs."""
        numbers = sorted({int(text) for text in asked if is_product_id(text)})
        found: dict[str, Held] = {}
        for start in range(0, len(numbers), IDS_A_CALL):
            params: dict[str, str | int] = {
                "id:in": ",".join(map(str, numbers[start : start + IDS_A_CALL])),
                "include": "images,variants",
                "include_fields": ",".join((*TEXTS, *REFERENCES, "sku")),
                "limit": CATALOG_PAGE,
            }
            for page in products_by_id(self._reader, params):
                for product in entries_of(PATH, page, LISTED_PRODUCTS):
                    texts: dict[str, Any] = {name: getattr(product, name) or "" for name in TEXTS}
                    content = texts | {
                        "images": len(product.images or ()),
                        "skus": _skus(product),
                    }
                    for listing in asked.get(str(product.id), ()):
                        content |= self._names.shown(product, listing)
                    found[str(product.id)] = Held(str(product.id), content)
        return found

    async def save(self, claimed: Claimed) -> Receipt:
        """Change a product, then add the variants that it lacks, each by a call of its own."""
        save: ListingSave = claimed.content
        lists = (save.images, save.categories)
        has_fields = bool(save.texts) or any(one is not None for one in lists)
        receipt = await self._change(claimed) if has_fields else Receipt(save.product_id)
        if not save.variants:
            return receipt
        correlation_id = claimed.correlation_id
        refused = await self._variants.add(save.product_id, save.variants, correlation_id)
        if len(refused) == len(save.variants) and not has_fields:
            raise RecordRejected(*refused)
        return replace(receipt, refused=(*receipt.refused, *refused))

    async def _change(self, claimed: Claimed) -> Receipt:
        save: ListingSave = claimed.content
        body: dict[str, object] = await asyncio.to_thread(self._names.written, save)
        body |= {name: text for name, text in save.texts.items() if name in TEXTS}
        if save.images is not None:
            body["images"] = pictures(save.images)
        reply = await self._push.request(
            "PUT",
            f"{PATH}/{save.product_id}",
            body=orjson.dumps(body),
            correlation_id=claimed.correlation_id,
            decode=id_checked(written_data_id, save.product_id),
        )
        accept(reply, "listing_refused", "record", ADVICE, busy=LOCKED)
        return _receipt(reply, save.product_id)

    async def create(self, claimed: Claimed) -> Receipt:
        """Create a product with its variants and pictures, in one call.

        A SKU is unique in a store, so that a second product is refused. A refusal may be due to the
        product itself, which an earlier call has created: the next run compares it.
        """
        new: NewListing = claimed.content
        named = await asyncio.to_thread(self._names.written, new)
        reply = await self._push.request(
            "POST",
            PATH,
            body=orjson.dumps(document_of_new(new, named)),
            correlation_id=claimed.correlation_id,
            decode=written_data_id,
        )
        if reply.status in REFUSALS:
            if await asyncio.to_thread(products_with, self._reader, new.listing.sku):
                raise created_meanwhile("BigCommerce", new.listing.sku)
            reason = vendor_text(reply.error_summary().partition(": ")[2], 300)
            message = f"the store answers {reply.status}: {reason}"
            raise RecordRejected(Problem("listing_refused", "record", message, ADVICE))
        accept(reply, "listing_refused", "record", ADVICE, busy=LOCKED)
        return _receipt(reply, reply.value)


def _receipt(reply: Reply, product_id: str) -> Receipt:
    """Return what a product was answered with: 207 means that one of its fields was not saved."""
    refused: tuple[Problem, ...] = ()
    if reply.status == PARTIAL:
        errors = b'{"errors":%s}' % bytes(PARTIAL_ANSWERS.decode(reply.body).document.errors)
        reason = error_text(errors, 300, sent=reply.sent)
        message = f"the store has saved a part only: {reason}"
        refused = (Problem("listing_refused", "record", message, ADVICE),)
    return Receipt(product_id, trace_id=request_id(reply.headers), refused=refused)


def _skus(product: ListedProduct) -> list[str]:
    """Return the SKUs of a product and its variants: a request may name it by any of them."""
    variants = [variant.sku for variant in product.variants or () if variant is not None]
    return list(dict.fromkeys(sku for sku in (product.sku, *variants) if isinstance(sku, str)))
