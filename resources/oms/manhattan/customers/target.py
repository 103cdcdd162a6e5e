"""Customers at the tenant, as a target of deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec
import orjson

from domain.delivery import Claimed, CustomerSave, Held, Operation, Outcome, Question, outcome_of
from domain.exchange import ExchangeLog, Receipt
from domain.parsing.vendor_documents import text_of
from domain.records.customers import Customer
from resources.http.async_client import AsyncApiClient
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.target_writer import TargetWriter
from resources.oms.manhattan.client import (
    any_of,
    chunks,
    fetch_answer,
    open_envelope,
    rejection,
    rows_of,
    write_answer,
)
from resources.oms.manhattan.customers.mapping import (
    ID,
    CustomerMapper,
    Json,
    customer_change,
    differences,
    held_content,
)
from resources.oms.manhattan.parsing import unreadable
from resources.oms.manhattan.settings import ManhattanSettings

ENTITY = "Customer"


class ManhattanCustomers:
    """``domain.targets.CustomerTarget``: a save is keyed by the id, and changes what it names."""

    def __init__(
        self, policy: ClientPolicy, settings: ManhattanSettings, reader: ApiClient
    ) -> None:
        self._policy, self._settings = policy, settings
        self._mapper, self._lookup = CustomerMapper(settings), CustomerLookup(reader, settings)
        self.acts_for = policy.acts_for
        concurrency = settings.push_concurrency
        self.operations: Mapping[str, Operation] = {
            "create": Operation(creates=True, replaces=False, concurrency=concurrency),
            "update": Operation(replaces=False, concurrency=concurrency),
        }

    def payload(self, customer: Customer) -> dict[str, object]:
        """Map a customer to the body of ``save``."""
        return self._mapper.payload(customer)

    def change(
        self, known: Mapping[str, object], wanted: Mapping[str, object], *, whole: bool = False
    ) -> dict[str, object] | None:
        """Return the save that turns ``known`` into ``wanted``."""
        return customer_change(known, wanted, whole=whole)

    def differences(
        self, held: Mapping[str, object], wanted: Mapping[str, object]
    ) -> Sequence[str]:
        """Return the attributes that differ, and the addresses by their ids."""
        return differences(held, wanted)

    def writer(self, log: ExchangeLog) -> CustomersWriter:
        """Open the tenant for writing customers."""
        client = AsyncApiClient(self._policy, concurrency=self._settings.push_concurrency, log=log)
        return CustomersWriter(client, self._settings, self._lookup)


class CustomerLookup:
    """Finds customers by id, a page of ids to a search."""

    def __init__(self, client: ApiClient, settings: ManhattanSettings) -> None:
        self._client, self._path = client, settings.paths.customer_search
        self._size = settings.search_page_size

    def read(self, customer_ids: Collection[str]) -> Iterator[tuple[str, Json]]:
        """Yield id and document of those customers that the tenant has."""
        for chunk in chunks(list(dict.fromkeys(customer_ids)), self._size):
            wanted, page = set(chunk), 0
            while wanted:
                body: dict[str, object] = {
                    "Query": any_of(ID, chunk),
                    "Page": page,
                    "Size": len(chunk),
                }
                found = dict(
                    map(_identified, rows_of(fetch_answer(self._client, self._path, body)))
                )
                new = wanted & found.keys()
                yield from ((name, found[name]) for name in sorted(new))
                if not new:
                    break
                wanted -= new
                page += 1


class CustomersWriter(TargetWriter):
    """``domain.targets.Writer`` of customers: every write is keyed by the customer's id."""

    def __init__(
        self, client: AsyncApiClient, settings: ManhattanSettings, lookup: CustomerLookup
    ) -> None:
        super().__init__(client)
        self._client, self._lookup = client, lookup
        self._path, self._trace = settings.paths.customer_save, settings.trace_header.lower()

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Save customers, one call each."""
        return [await outcome_of(self._save(one)) for one in claimed]

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what the tenant holds of customers, of what is ours.

        Raises ``TransientError`` or ``PermanentError`` where the tenant can't be read.
        """
        found = await asyncio.to_thread(lambda: list(self._lookup.read(list(asked))))
        return {name: _held(name, document, asked[name]) for name, document in found}

    async def _save(self, claimed: Claimed) -> Receipt:
        """Create or change a customer; safe to repeat, since the save is keyed on its id."""
        save: CustomerSave = claimed.content
        reply = await self._client.request(
            "POST",
            self._path,
            body=orjson.dumps(save.payload),
            correlation_id=claimed.correlation_id,
            idempotent=True,
            decode=open_envelope,
        )
        answer = write_answer(reply)
        if answer.errors:
            raise rejection(answer.errors, ENTITY)
        trace_id = reply.headers.get(self._trace, "")[:100]
        return Receipt(save.customer_id, warnings=answer.warnings(ENTITY), trace_id=trace_id)


def _held(customer_id: str, document: Json, candidates: Question) -> Held:
    try:
        return Held(customer_id, held_content(document, candidates))
    except (KeyError, TypeError) as error:
        text = f"The customer can't be compared with what was sent ({type(error).__name__})."
        return Held(customer_id, problems=unreadable(ENTITY, text).problems)


def _identified(row: msgspec.Raw) -> tuple[str, Json]:
    try:
        document = orjson.loads(bytes(row))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return "", {}
    return text_of(document.get(ID)), document
