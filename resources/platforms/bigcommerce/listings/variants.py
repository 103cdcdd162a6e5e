"""Variants that are added to a product, one by one: each has a value of every option, by its id.

UNVERIFIED: the values of an option are read and made at ``/options/{id}/values``, which is the
vendor's public API, but in none of the files that the connector is built from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from domain.errors import Problem, RecordRejected
from domain.prices import exact_number
from domain.records.listings import NewVariant
from resources.http.async_client import AsyncApiClient
from resources.http.client import ApiClient
from resources.http.redaction import vendor_text
from resources.http.reply import Reply
from resources.platforms.bigcommerce.catalog import PRODUCTS_PATH, READS_PRODUCTS
from resources.platforms.bigcommerce.client import (
    LOCKED,
    accept,
    entries_of,
    pages_of,
    written_data_id,
)
from resources.platforms.bigcommerce.listings.creation import products_with
from resources.platforms.bigcommerce.listings.payload import OPTION_VALUES, OPTIONED_VARIANTS
from resources.platforms.bigcommerce.settings import CATALOG_PAGE

ADVICE = "correct the SKU, the options or the amounts of the variant in the sheet"
REFUSALS = (400, 409, 422)


@dataclass
class Option:
    """An option of a product, with its values as far as they are known."""

    id: int
    name: str
    values: dict[str, int] = field(default_factory=dict)
    """Label in one case -> id."""
    is_whole: bool = False
    """Its own list was read: also values that no variant has are known."""


class VariantAdder:
    """Adds variants to the products of one store."""

    def __init__(self, push: AsyncApiClient, reader: ApiClient) -> None:
        self._push, self._reader = push, reader

    async def add(
        self, product_id: str, variants: Sequence[NewVariant], correlation_id: str
    ) -> list[Problem]:
        """Add variants that the product lacks; return why some were refused."""
        options = await asyncio.to_thread(self._options, product_id)
        problems: list[Problem] = []
        for variant in variants:
            try:
                await self._add(product_id, variant, options, correlation_id)
            except RecordRejected as rejected:
                problems += rejected.problems
        return problems

    def _options(self, product_id: str) -> dict[str, Option]:
        """Return the product's options by name, as its variants have them."""
        found: dict[str, Option] = {}
        path = f"{PRODUCTS_PATH}/{product_id}/variants"
        for page in pages_of(self._reader, path, {"limit": CATALOG_PAGE}, READS_PRODUCTS):
            for variant in entries_of(path, page, OPTIONED_VARIANTS):
                for one in variant.option_values or ():
                    if one is None or not one.id or not one.option_id:
                        continue
                    name = one.option_display_name or ""
                    option = found.setdefault(name.casefold(), Option(one.option_id, name))
                    option.values[(one.label or "").casefold()] = one.id
        return found

    async def _add(
        self,
        product_id: str,
        variant: NewVariant,
        options: dict[str, Option],
        correlation_id: str,
    ) -> None:
        if {one.name.casefold() for one in variant.options} != options.keys():
            raise _refused(variant, _other_options(options))
        chosen = []
        for one in variant.options:
            option = options[one.name.casefold()]
            value = await self._value(product_id, option, one.value, variant, correlation_id)
            named = {"option_display_name": option.name, "label": one.value}
            chosen.append({"id": value, "option_id": option.id, **named})
        body: dict[str, object] = {"sku": variant.sku, "option_values": chosen}
        for name, amount in (("price", variant.price), ("weight", variant.weight)):
            if amount is not None:
                body[name] = exact_number(amount)
        path = f"{PRODUCTS_PATH}/{product_id}/variants"
        reply = await self._post(path, body, correlation_id)
        if reply.status in REFUSALS:
            owners = await asyncio.to_thread(products_with, self._reader, variant.sku)
            if owners != [product_id]:  # else a lost request has added it
                raise _refused(variant, _reason(reply))
        else:
            accept(reply, "listing_refused", "variants", ADVICE, busy=LOCKED)

    async def _value(
        self,
        product_id: str,
        option: Option,
        label: str,
        variant: NewVariant,
        correlation_id: str,
    ) -> int:
        """Return the id of an option's value, which is made where the product lacks it."""
        known = label.casefold()
        path = f"{PRODUCTS_PATH}/{product_id}/options/{option.id}/values"
        if known not in option.values and not option.is_whole:
            option.values |= await asyncio.to_thread(self._values, path)
            option.is_whole = True
        if known not in option.values:
            body = {"label": label, "sort_order": len(option.values)}
            reply = await self._post(path, body, correlation_id)
            if reply.status in REFUSALS:
                raise _refused(variant, f"{option.name}: {label}: {_reason(reply)}")
            accept(reply, "listing_refused", "variants", ADVICE, busy=LOCKED)
            option.values[known] = int(reply.value)
        return option.values[known]

    def _values(self, path: str) -> dict[str, int]:
        return {
            (one.label or "").casefold(): one.id
            for page in pages_of(self._reader, path, {"limit": CATALOG_PAGE}, READS_PRODUCTS)
            for one in entries_of(path, page, OPTION_VALUES)
            if one.id
        }

    async def _post(self, path: str, body: dict[str, object], correlation_id: str) -> Reply:
        return await self._push.request(
            "POST",
            path,
            body=orjson.dumps(body),
            correlation_id=correlation_id,
            decode=written_data_id,
        )


def _other_options(options: dict[str, Option]) -> str:
    if not options:
        return "the product has no options, so it can't have variants"
    names = ", ".join(option.name for option in options.values())
    return f"the product has the options {names}, and the row others"[:300]


def _reason(reply: Reply) -> str:
    reason = vendor_text(reply.error_summary().partition(": ")[2], 300)
    return f"the store answers {reply.status}: {reason}"


def _refused(variant: NewVariant, reason: str) -> RecordRejected:
    message = f"the variant {variant.sku} can't be added: {reason}"
    return RecordRejected(Problem("listing_refused", "variants", message, ADVICE, variant.sku))
