"""Products of an org, as a target of deliveries: rows of ``Product2``, by their ids.

A product has no version, and no standard fields for a warranty and pictures. Each variation is a
product of its own, so that no group is created.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import orjson

from domain.delivery import (
    Claimed,
    Held,
    ListingSave,
    NewListing,
    Question,
)
from domain.errors import AccessRefused, Problem, RecordRejected, TransientError
from domain.exchange import ExchangeLog, Receipt
from domain.listings import product_gone, sku_named
from domain.parsing.answers import document_of
from domain.prices import OWN_PRICES
from resources.http.async_client import AsyncApiClient
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import request_id, vendor_text
from resources.platforms.salesforce.answers_payload import ROWS, Row
from resources.platforms.salesforce.client import ACCESS, INSTALL, TEMPORARY, QueryClient, refuse
from resources.platforms.salesforce.composite import CompositeClient, id_made
from resources.platforms.salesforce.fields import PRODUCT_FIELDS
from resources.platforms.salesforce.listings.creation import (
    MADE_PRODUCTS,
    PRODUCT,
    REFERENCE,
    MadeProduct,
    key_of,
    parts_of,
    query_of,
    the_product,
)
from resources.platforms.salesforce.prices.reader import PriceReader
from resources.platforms.salesforce.product_settings import PARENT
from resources.platforms.salesforce.products.payload import CAPTURED_PRODUCTS, Product, sku_of
from resources.platforms.salesforce.settings import IDS_A_CALL, SalesforceSettings
from resources.platforms.salesforce.soql import is_id, one_of, select
from resources.store_listings import ListingsWriter, StoreListings, created_meanwhile

PATH = "/composite/sobjects"
FIELDS = {"name": "Name", "description": "Description"}
"""Canonical field of a listing -> the product's."""
ADVICE = "correct the texts in the sheet"
ADVICE_NEW = "correct the texts and the price in the sheet"


class SalesforceListings(StoreListings):
    """``domain.targets.ListingTarget``: a product is changed field by field."""

    def __init__(
        self,
        policy: ClientPolicy,
        settings: SalesforceSettings,
        reader: ApiClient,
        prices: PriceReader,
        *,
        creates: bool,
    ) -> None:
        super().__init__(policy, settings.write_concurrency)
        self._policy, self._settings, self._reader = policy, settings, reader
        self._prices, self._creates = prices, creates
        self.fields = (*FIELDS, "price")
        self.needs = ("name",)

    def writer(self, log: ExchangeLog) -> SalesforceListingsWriter:
        """Open the org for writing products."""
        push = AsyncApiClient(self._policy, concurrency=self._settings.write_concurrency, log=log)
        queries = QueryClient(self._reader, self._settings.data_path)
        return SalesforceListingsWriter(
            push, queries, self._settings, self._prices, creates=self._creates
        )


class SalesforceListingsWriter(ListingsWriter):
    """``domain.targets.Writer`` of listings."""

    def __init__(
        self,
        push: AsyncApiClient,
        queries: QueryClient,
        settings: SalesforceSettings,
        prices: PriceReader,
        *,
        creates: bool,
    ) -> None:
        super().__init__(push)
        self._push, self._queries, self._settings = push, queries, settings
        self._prices, self._creates = prices, creates
        self._calls = CompositeClient(push, settings.data_path)

    def by_sku(self, name: str, question: Question) -> Held:
        """Return the product that has the SKU of a product to create, active or not."""
        del question
        sku = sku_named(name)
        product = the_product(sku, self._with_sku(sku))
        if isinstance(product, Problem):
            return Held(name, problems=(product,))
        return Held(name) if product is None else Held(product.id or "", _shown(product))

    def _with_sku(self, sku: str) -> list[MadeProduct]:
        return [
            document_of(f"salesforce: query of {PRODUCT}", raw, MADE_PRODUCTS)
            for page in self._queries.rows(query_of(sku, has_key=self._creates))
            for raw in page
        ]

    def read(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return the texts of products; one that is not active is not sold."""
        wanted = sorted({name for name in asked if is_id(name)})
        found: dict[str, Held] = {}
        for start in range(0, len(wanted), IDS_A_CALL):
            where = one_of("Id", wanted[start : start + IDS_A_CALL])
            for page in self._queries.rows(select(PRODUCT_FIELDS, PRODUCT, f" WHERE {where}")):
                for raw in page:
                    row = document_of(f"salesforce: query of {PRODUCT}", raw, CAPTURED_PRODUCTS)
                    if row.id and row.is_active is True and row.product_class != PARENT:
                        found[row.id] = Held(row.id, _shown(row))
        return found

    async def create(self, claimed: Claimed) -> Receipt:
        """Create a product with its price, all or nothing.

        A second one with its external id is refused. It may be the product itself that an earlier
        call has created: the next run compares it.
        """
        new: NewListing = claimed.content
        sku = new.listing.sku
        parts = parts_of(new, self._settings, await self._standard_book(new))
        try:
            reply = await self._calls.send(
                key_of(sku), parts, claimed.correlation_id, "listing_refused", advice=ADVICE_NEW
            )
        except RecordRejected:
            if await asyncio.to_thread(self._with_sku, sku):
                raise created_meanwhile("salesforce", sku) from None
            raise
        return Receipt(id_made(reply, REFERENCE), trace_id=request_id(reply.headers))

    async def _standard_book(self, new: NewListing) -> str:
        """Return the id of the price book that a new product's price is an entry of."""
        if new.listing.price is None:
            return ""
        found = (await asyncio.to_thread(self._prices.books, [OWN_PRICES]))[OWN_PRICES]
        if isinstance(found, Problem):
            raise RecordRejected(found)
        return found.regular

    async def save(self, claimed: Claimed) -> Receipt:
        """Set the texts of a product."""
        save: ListingSave = claimed.content
        values = {FIELDS[field]: text for field, text in save.texts.items()}
        record = {"attributes": {"type": PRODUCT}, "id": save.product_id, **values}
        reply = await self._push.request(
            "PATCH",
            PATH,
            body=orjson.dumps({"allOrNone": False, "records": [record]}),
            correlation_id=claimed.correlation_id,
            idempotent=True,
            decode=_row,
        )
        if not reply.ok:
            refuse(reply, "listing_refused", "record", ADVICE)
        row: Row = reply.value
        if not row.success:
            raise _refusal(row, save.product_id)
        return Receipt(save.product_id, trace_id=request_id(reply.headers))


def _shown(row: Product) -> dict[str, object]:
    """Return what ``domain.targets.ListingTarget`` has to hold."""
    sku = sku_of(row)
    return {
        "name": row.name or "",
        "description": row.description or "",
        "warranty": "",
        "images": 0,
        "addresses": [],
        "skus": [sku] if sku else [],
    }


def _row(body: bytes) -> Row:
    """Return the result of the one row; raises ``ValueError`` if the answer has none."""
    rows = ROWS.decode(body)
    if len(rows) != 1:
        raise ValueError(f"the answer has {len(rows)} rows for one record")
    return rows[0]


def _refusal(row: Row, product_id: str) -> Exception:
    error = row.errors[0] if row.errors else None
    code = error.statusCode or error.errorCode if error is not None else ""
    message = vendor_text(error.message if error is not None else "no reason given", 300)
    if code in TEMPORARY:
        return TransientError(f"salesforce: {code}: {message}; trying again later may help")
    if code in ACCESS:
        return AccessRefused(f"salesforce: {code}: {message}; {INSTALL}")
    if code in ("ENTITY_IS_DELETED", "NOT_FOUND"):
        return RecordRejected(product_gone(product_id))
    text = f"the store refuses the texts: {code}: {message}"
    return RecordRejected(Problem("listing_refused", "record", text, ADVICE))
