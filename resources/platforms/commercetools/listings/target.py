"""Texts and pictures of a project's products, as a target of deliveries.

A product is changed under the version that was read. After another change the actions are computed
anew, from what the product shows then: sent again on another version they would undo it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import orjson

from domain.delivery import Claimed, Held, ListingSave, Operation, Outcome, Question, outcome_of
from domain.errors import RecordRejected, TransientError
from domain.exchange import ExchangeLog, Receipt
from domain.listings import product_gone
from resources.http.async_client import AsyncApiClient
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import request_id
from resources.http.target_writer import TargetWriter
from resources.platforms.commercetools.client import (
    CONFLICT,
    MISSING,
    Params,
    document_of,
    one_of,
    query,
    refuse,
)
from resources.platforms.commercetools.listings.actions import actions_of, first_definition
from resources.platforms.commercetools.listings.payload import (
    LISTED_PRODUCTS,
    PRODUCT_TYPES,
    AttributeDefinition,
    ListedProduct,
)
from resources.platforms.commercetools.listings.product import is_published, shown
from resources.platforms.commercetools.settings import (
    MOST_CONFLICTS,
    PRODUCTS_A_CALL,
    CommercetoolsSettings,
)

PATH, TYPES, SCOPE = "/products", "/product-types", "view_products"


class CommercetoolsListings:
    """``domain.ports.ListingTarget``: a product is changed by its id, field by field."""

    def __init__(
        self, policy: ClientPolicy, settings: CommercetoolsSettings, reader: ApiClient
    ) -> None:
        self._policy, self._settings, self._reader = policy, settings, reader
        self.acts_for = policy.acts_for
        self.operations: Mapping[str, Operation] = {
            "update": Operation(concurrency=settings.write_concurrency)
        }
        self.fields: Collection[str] = ("name", "description", "warranty", "images")
        self.needs: Collection[str] = ()

    def writer(self, log: ExchangeLog) -> ListingsWriter:
        """Open the project for writing products."""
        push = AsyncApiClient(self._policy, concurrency=self._settings.write_concurrency, log=log)
        return ListingsWriter(push, self._reader, self._settings)


class ListingsWriter(TargetWriter):
    """``domain.ports.Writer`` of listings: what is uncertain is read, and written again."""

    def __init__(
        self, push: AsyncApiClient, reader: ApiClient, settings: CommercetoolsSettings
    ) -> None:
        super().__init__(push)
        self._push, self._reader, self._settings = push, reader, settings
        self._seen: dict[str, ListedProduct] = {}
        self._types: dict[str, AttributeDefinition | None] = {}

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Change products, one call each."""
        return [await outcome_of(self._save(one)) for one in claimed]

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what products show; one that is not published is not sold, and gone."""
        found = await asyncio.to_thread(self._read, list(asked))
        self._seen |= found
        return {
            name: Held(name, shown(found[name], self._settings))
            if name in found
            else Held(name, problems=(product_gone(name),))
            for name in asked
        }

    def _read(self, product_ids: Sequence[str]) -> dict[str, ListedProduct]:
        """Return the published products, by id."""
        wanted = sorted(set(product_ids))
        found: dict[str, ListedProduct] = {}
        for start in range(0, len(wanted), PRODUCTS_A_CALL):
            ids = wanted[start : start + PRODUCTS_A_CALL]
            params: Params = {"where": [one_of("id", ids)], "limit": PRODUCTS_A_CALL}
            for raw in query(self._reader, PATH, params, SCOPE):
                product = document_of(f"commercetools: GET {PATH}", raw, LISTED_PRODUCTS)
                if product.id and is_published(product):
                    found[product.id] = product
        return found

    def _warranty(self, product: ListedProduct) -> AttributeDefinition | None:
        """Return the attribute that holds the warranty, as the product's type defines it."""
        kind = (product.product_type.id if product.product_type is not None else None) or ""
        if kind not in self._types:
            params: Params = {"where": [one_of("id", [kind])], "limit": 1}
            found = [
                document_of(f"commercetools: GET {TYPES}", raw, PRODUCT_TYPES)
                for raw in query(self._reader, TYPES, params, SCOPE)
            ]
            self._types[kind] = first_definition(found[0].attributes or () if found else ())
        return self._types[kind]

    async def _save(self, claimed: Claimed) -> Receipt:
        save: ListingSave = claimed.content
        product = self._seen.pop(save.product_id, None)
        for _ in range(MOST_CONFLICTS):
            if product is None:
                found = await asyncio.to_thread(self._read, [save.product_id])
                if save.product_id not in found:
                    raise RecordRejected(product_gone(save.product_id))
                product = found[save.product_id]
            warranty = None
            if "warranty" in save.texts:
                warranty = await asyncio.to_thread(self._warranty, product)
            actions = actions_of(product, save, self._settings, warranty)
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
                advice = "correct the texts or pictures in the sheet"
                refuse(reply, "listing_refused", "record", advice)
            product = None
        raise TransientError(
            f"commercetools: the product {save.product_id} has changed {MOST_CONFLICTS} times "
            "while it was written; a later try may help"
        )


def _written(expected: str, body: bytes) -> str:
    """Return the id of a written product; raises ``ValueError`` where the answer is no such."""
    try:
        product = LISTED_PRODUCTS.decode(body).document
    except RecordRejected as rejected:
        raise ValueError(str(rejected)) from None
    if product.id != expected:
        raise ValueError(f"the answer is about {str(product.id)[:40]}, not {expected}")
    return expected
