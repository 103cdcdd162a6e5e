"""Standalone prices, as a target of deliveries: a call for each, under its version.

A new price has a key of its place, so that a second one is refused and found; a version is changed
once. Where another version shows the same price, it is changed; if it shows another price, the
delivery is planned again, so that the connection's limit is about what shoppers see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from domain.currencies import minor_unit
from domain.delivery import Claimed, Operation, Outcome, outcome_of
from domain.errors import LockstepError, Problem, RecordRejected, TransientError
from domain.exchange import ExchangeLog, Receipt
from domain.identity import content_digest
from domain.parsing.answers import document_of
from domain.prices import PriceChange, PricePlace, PriceTag, StorePrice
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import request_id
from resources.http.reply import Reply
from resources.http.target_writer import TargetWriter
from resources.platforms.commercetools.client import (
    CONFLICT,
    MISSING,
    code_of,
    quoted,
    refuse,
    results_of,
)
from resources.platforms.commercetools.prices.payload import STANDALONE, Standalone
from resources.platforms.commercetools.prices.reader import (
    PATH,
    PRICE,
    PriceReader,
    amount_of,
    inactive,
    matching,
    tag_of,
)
from resources.platforms.commercetools.prices.scopes import PriceScope, scope_of
from resources.platforms.commercetools.settings import (
    MOST_CONFLICTS,
    PRICE_PAGE,
    CommercetoolsSettings,
)

TAKEN = ("DuplicateField", "DuplicateStandalonePriceScope")
ADVICE = "check the SKU's standalone prices in the store"


class CommercetoolsPrices:
    """``domain.targets.PriceTarget``."""

    def __init__(
        self, policy: ClientPolicy, settings: CommercetoolsSettings, reader: PriceReader
    ) -> None:
        self._policy, self._settings, self._reader = policy, settings, reader
        self.acts_for = policy.acts_for
        self.operations: Mapping[str, Operation] = {
            PRICE: Operation(concurrency=settings.write_concurrency)
        }

    def prices(self, places: Collection[PricePlace]) -> dict[str, StorePrice]:
        """Return what the project shows now, by the key of each place."""
        return self._reader.prices(places)

    def writer(self, log: ExchangeLog) -> PricesWriter:
        """Open the project for writing prices."""
        client = AsyncApiClient(self._policy, concurrency=self._settings.write_concurrency, log=log)
        return PricesWriter(client, self._settings.sale_discount)


class PricesWriter(TargetWriter):
    """``domain.targets.Writer`` of prices: a price that is uncertain is written again."""

    def __init__(self, client: AsyncApiClient, discount: str | None) -> None:
        super().__init__(client)
        self._client, self._discount = client, discount

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Set each price; a refused one stops no other."""
        effects = (outcome_of(self._put(c.content, c.correlation_id)) for c in claimed)
        return list(await asyncio.gather(*effects))

    async def _put(self, change: PriceChange, correlation_id: str) -> Receipt:
        if change.tag.sale is not None and self._discount is None:
            raise RecordRejected(_no_discount(change))
        identifier, _, version = change.held.address.rpartition(" ")
        known = (identifier, int(version)) if version else None
        for _ in range(MOST_CONFLICTS):
            if known is None:
                reply = await self._create(change, correlation_id)
            else:
                reply = await self._change(known, change, correlation_id)
            if reply.ok:
                return Receipt(str(reply.value.id), trace_id=request_id(reply.headers))
            is_taken = known is None and code_of(reply) in TAKEN
            if reply.status not in (CONFLICT, MISSING) and not is_taken:
                refuse(reply, "price_refused", "value", ADVICE)
            current = await self._find(change)
            tag = self._tag(current)
            if current is not None and tag == change.tag:
                return Receipt(current.id or "")
            if tag != change.held.tag:
                raise TransientError(
                    f"commercetools: the price of {change.place.item.sku} was changed by another "
                    "just now; the next run compares with it"
                )
            known = (current.id or "", current.version or 1) if current is not None else None
        raise TransientError(
            f"commercetools: the price of {change.place.item.sku} has changed {MOST_CONFLICTS} "
            "times while it was written; trying again later may help"
        )

    def _tag(self, current: Standalone | None) -> PriceTag | None:
        """Return what a price shows. Raises ``RecordRejected`` if it is inactive."""
        if current is None:
            return None
        if (problem := inactive(current)) is not None:
            raise RecordRejected(problem)
        return tag_of(current, self._discount)

    async def _create(self, change: PriceChange, correlation_id: str) -> Reply:
        place, tag = change.place, change.tag
        scope = _scope_of(change)
        draft: dict[str, Any] = {
            "key": key_of(place),
            "sku": place.item.sku,
            "value": money(tag.regular, place.currency),
            "active": True,
        }
        if scope.country:
            draft["country"] = scope.country
        if scope.channel:
            draft["channel"] = {"typeId": "channel", "id": scope.channel}
        if tag.sale is not None:
            draft["discounted"] = self._discounted(tag.sale, place.currency)
        return await self._client.request(
            "POST",
            PATH,
            body=orjson.dumps(draft),
            correlation_id=correlation_id,
            idempotent=True,  # a second price of a scope, or with its key, is refused
            decode=price_of,
        )

    async def _change(
        self, known: tuple[str, int], change: PriceChange, correlation_id: str
    ) -> Reply:
        tag, currency = change.tag, change.place.currency
        actions: list[dict[str, Any]] = [
            {"action": "changeValue", "value": money(tag.regular, currency), "staged": False}
        ]
        if tag.sale is not None:
            reduced = self._discounted(tag.sale, currency)
            actions.append({"action": "setDiscountedPrice", "discounted": reduced})
        elif change.held.tag is not None and change.held.tag.sale is not None:
            actions.append({"action": "setDiscountedPrice"})
        return await self._client.request(
            "POST",
            f"{PATH}/{known[0]}",
            body=orjson.dumps({"version": known[1], "actions": actions}),
            correlation_id=correlation_id,
            idempotent=True,  # a version is changed once
            decode=price_of,
        )

    def _discounted(self, sale: Decimal, currency: str) -> dict[str, Any]:
        reference = {"typeId": "product-discount", "id": self._discount}
        return {"value": money(sale, currency), "discount": reference}

    async def _find(self, change: PriceChange) -> Standalone | None:
        """Return the price of a place as the project has it now."""
        place = change.place
        currency = quoted(place.currency)
        params = {
            "where": f"sku = {quoted(place.item.sku)} and value(currencyCode = {currency})",
            "sort": "id asc",
            "limit": str(PRICE_PAGE),
            "withTotal": "false",
        }
        reply = await self._client.request("GET", PATH, params=params, decode=results_of)
        if not reply.ok:
            refuse(reply, "price_refused", "sku", ADVICE)
        found = [document_of(reply.where, raw, STANDALONE) for raw in reply.value or ()]
        channels = _scope_of(change)
        return matching(place, channels, found)


def _scope_of(change: PriceChange) -> PriceScope:
    """Return a change's scope with its channel's id, which its address states."""
    named = scope_of(change.place.price_list) or PriceScope()
    if not named.channel:
        return named
    return named._replace(channel=change.held.group)


def price_of(body: bytes) -> Standalone:
    """Return a written price; raises ``ValueError`` if the answer is none."""
    try:
        price = STANDALONE.decode(body).document
        amount_of(price.value)
    except LockstepError as error:
        raise ValueError(str(error)) from None
    if not price.id:
        raise ValueError("the answer has no id")
    return price


def key_of(place: PricePlace) -> str:
    """Return the key of a new price: equal for each attempt of the same place."""
    return f"lockstep-{content_digest(place.key.encode()).hex()}"


def money(amount: Decimal, currency: str) -> dict[str, Any]:
    """Return an amount in whole minor units, which the batch's rules have made sure of."""
    return {"currencyCode": currency, "centAmount": int(amount / minor_unit(currency))}


def _no_discount(change: PriceChange) -> Problem:
    return Problem(
        "price_sale_not_taken",
        "sale",
        "a reduced price needs a product discount of the kind external, and no setting names one",
        "create one in the project and name its id in platform.sale_discount",
        change.tag.text(change.place.currency),
    )
