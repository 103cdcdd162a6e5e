"""Items at the tenant, as a target of deliveries: a save is keyed by the id of the item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from domain.delivery import Claimed, ItemSave, Operation, Outcome, outcome_of
from domain.exchange import ExchangeLog, Receipt
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.target_writer import TargetWriter
from resources.oms.manhattan.client import open_envelope, rejection, write_answer
from resources.oms.manhattan.settings import ManhattanSettings

ENTITY = "Item"
BRAND, IMAGE = "Brand", "SmallImageURI"
"""The item's attributes by the vendor's documentation; the others' names are settings."""


class ManhattanItems:
    """``domain.targets.ItemTarget``: a save changes what it names, and leaves the rest."""

    def __init__(self, policy: ClientPolicy, settings: ManhattanSettings) -> None:
        self._policy, self._settings = policy, settings
        self.acts_for = policy.acts_for
        self.operations: Mapping[str, Operation] = {
            "save": Operation(concurrency=settings.push_concurrency)
        }

    def writer(self, log: ExchangeLog) -> ItemsWriter:
        """Open the tenant for writing items."""
        client = AsyncApiClient(self._policy, concurrency=self._settings.push_concurrency, log=log)
        return ItemsWriter(client, self._settings)


class ItemsWriter(TargetWriter):
    """``domain.targets.Writer`` of items: what is uncertain is saved again."""

    def __init__(self, client: AsyncApiClient, settings: ManhattanSettings) -> None:
        super().__init__(client)
        self._client, self._names = client, settings.names
        self._path, self._trace = settings.paths.item_save, settings.trace_header.lower()

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Save items, one call each."""
        return [await outcome_of(self._save(one)) for one in claimed]

    async def _save(self, claimed: Claimed) -> Receipt:
        save: ItemSave = claimed.content
        names = self._names
        written = {
            names.item_id: save.sku,
            names.item_uom: save.uom,
            names.item_description: save.description,
            BRAND: save.brand,
            IMAGE: save.image,
        }
        body = {name: text for name, text in written.items() if text} | dict(save.attributes)
        reply = await self._client.request(
            "POST",
            self._path,
            body=orjson.dumps(body),
            correlation_id=claimed.correlation_id,
            idempotent=True,
            decode=open_envelope,
        )
        answer = write_answer(reply)
        if answer.errors:
            raise rejection(answer.errors, ENTITY)
        trace_id = reply.headers.get(self._trace, "")[:100]
        return Receipt(save.sku, warnings=answer.warnings(ENTITY), trace_id=trace_id)
