"""Prices in an org, as a target of deliveries: entries of price books, in collections.

Each row of a collection has its own result. A second entry of a product, price book and currency is
refused, so that a creation may be repeated: it finds the first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from domain.delivery import Claimed, Operation, Outcome, failed
from domain.errors import (
    AccessRefused,
    LockstepError,
    PermanentError,
    Problem,
    RecordRejected,
    TransientError,
)
from domain.exchange import ExchangeLog
from domain.parsing.answers import CONTRACT, document_of
from domain.prices import PriceChange, PricePlace, StorePrice, exact_number
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import vendor_text
from resources.http.target_writer import TargetWriter
from resources.platforms.salesforce.answers_payload import ROWS, Row
from resources.platforms.salesforce.client import (
    ACCESS,
    INSTALL,
    TEMPORARY,
    refuse,
    refuse_query,
    result_in,
    result_of,
)
from resources.platforms.salesforce.prices.payload import ENTRIES, PricebookEntry
from resources.platforms.salesforce.prices.reader import (
    ENTRY,
    PRICE,
    PriceReader,
    address_of,
    condition_of,
)
from resources.platforms.salesforce.settings import PRICE_BATCH, SalesforceSettings

PATH = "/composite/sobjects"
DUPLICATES = frozenset({"DUPLICATE_VALUE", "FIELD_INTEGRITY_EXCEPTION"})
"""UNVERIFIED which of the two a second entry of a product and price book is refused with."""
ADVICE = "check the product's price book entries in the store"


class SalesforcePrices:
    """``domain.targets.PriceTarget``."""

    def __init__(
        self, policy: ClientPolicy, settings: SalesforceSettings, reader: PriceReader
    ) -> None:
        self._policy, self._settings, self._reader = policy, settings, reader
        self.acts_for = policy.acts_for
        self.operations: Mapping[str, Operation] = {PRICE: Operation(batch=PRICE_BATCH)}

    def prices(self, places: Collection[PricePlace]) -> dict[str, StorePrice]:
        """Return what the org shows now, by the key of each place."""
        return self._reader.prices(places)

    def writer(self, log: ExchangeLog) -> PricesWriter:
        """Open the org for writing prices."""
        client = AsyncApiClient(self._policy, concurrency=1, log=log)
        return PricesWriter(client, self._reader, has_currencies=self._settings.currency is None)


class Entry(NamedTuple):
    """A row to write: an entry's id or what makes it, and its values."""

    place: int
    """Of its price in the batch."""
    book: str
    identifier: str
    values: Mapping[str, Any]


@dataclass
class _Batch:
    """The outcomes of a batch's prices; the first fault of a price's rows is the price's."""

    faults: dict[int, LockstepError]

    def note(self, place: int, fault: LockstepError) -> None:
        """Note what is wrong with a row."""
        self.faults.setdefault(place, fault)


class PricesWriter(TargetWriter):
    """``domain.targets.Writer`` of prices: a price that is uncertain is written again."""

    def __init__(
        self, client: AsyncApiClient, reader: PriceReader, *, has_currencies: bool
    ) -> None:
        super().__init__(client)
        self._client, self._reader, self._has_currencies = client, reader, has_currencies

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Set the prices of a batch; a refused row stops no other price."""
        changes: list[PriceChange] = [one.content for one in claimed]
        batch = _Batch({})
        try:
            entries = [e for n, change in enumerate(changes) for e in _planned(n, change, batch)]
            await self._write(changes, entries, batch)
        except LockstepError as error:
            return [failed(batch.faults.get(n, error)) for n in range(len(changes))]
        return [
            failed(batch.faults[n]) if n in batch.faults else Outcome("done")
            for n in range(len(changes))
        ]

    async def _write(
        self, changes: Sequence[PriceChange], entries: Sequence[Entry], batch: _Batch
    ) -> None:
        """Change the entries that there are, and make the others; what is found is changed."""
        await self._send("PATCH", changes, [e for e in entries if e.identifier], batch)
        new = [e for e in entries if not e.identifier]
        found: list[Entry] = []
        for entry in await self._send("POST", changes, new, batch):
            known = await self._find(changes[entry.place], entry.book)
            if known is None or not known.id:
                batch.note(entry.place, _refused("the store refuses a second entry of the price"))
            else:
                found.append(entry._replace(identifier=known.id))
        await self._send("PATCH", changes, found, batch)

    async def _send(
        self, method: str, changes: Sequence[PriceChange], entries: Sequence[Entry], batch: _Batch
    ) -> list[Entry]:
        """Send rows; note what is refused, and return those that exist already."""
        if not entries:
            return []
        records = [self._record(changes[e.place], e) for e in entries]
        reply = await self._client.request(
            method,
            PATH,
            body=orjson.dumps({"allOrNone": False, "records": records}),
            idempotent=True,  # a second entry of a product in a price book is refused
            decode=ROWS.decode,
        )
        if not reply.ok:
            refuse(reply, "price_refused", "records", ADVICE)
        rows: list[Row] = reply.value
        if len(rows) != len(entries):
            raise PermanentError(f"{reply.where} answered {len(rows)} rows: {CONTRACT}")
        existing: list[Entry] = []
        for entry, row in zip(entries, rows, strict=True):
            code = row.errors[0].statusCode if row.errors else ""
            if row.success:
                continue
            if not entry.identifier and code in DUPLICATES:
                existing.append(entry)
            else:
                batch.note(entry.place, _fault(row, code))
        return existing

    def _record(self, change: PriceChange, entry: Entry) -> dict[str, Any]:
        record = {"attributes": {"type": ENTRY}, **entry.values}
        if entry.identifier:
            return record | {"id": entry.identifier}
        made = {"Pricebook2Id": entry.book, "Product2Id": change.place.item.parent_id}
        currency = {"CurrencyIsoCode": change.place.currency} if self._has_currencies else {}
        return record | made | currency

    async def _find(self, change: PriceChange, book: str) -> PricebookEntry | None:
        """Return the entry of a price book as the org has it now."""
        text = self._reader.text + condition_of([book], change.place.item.parent_id)
        reply = await self._client.request("GET", "/query", params={"q": text}, decode=result_of)
        if not reply.ok:
            refuse_query(reply, text)
        wanted = (book, change.place.item.parent_id, change.place.currency)
        entries = (document_of(reply.where, raw, ENTRIES) for raw in result_in(reply).records)
        return next((e for e in entries if self._reader.key_of(e) == wanted), None)


def _planned(place: int, change: PriceChange, batch: _Batch) -> list[Entry]:
    """Return the rows of a price; none, with its fault noted, if it can't be written."""
    books, regular, sale = address_of(change.held)
    tag = change.tag
    if tag.sale is not None and not books.sale:
        batch.note(place, RecordRejected(_no_sale_book(change)))
        return []
    try:
        values = {"UnitPrice": exact_number(tag.regular), "IsActive": True}
        # A price of a book's own: it may have followed the standard price so far.
        values |= {"UseStandardPrice": False} if change.place.price_list != "catalog" else {}
        entries = [Entry(place, books.regular, regular, values)]
        if tag.sale is not None:
            reduced = {"UnitPrice": exact_number(tag.sale), "IsActive": True}
            reduced |= {"UseStandardPrice": False}
            entries.append(Entry(place, books.sale, sale, reduced))
        elif sale:
            entries.append(Entry(place, books.sale, sale, {"IsActive": False}))
    except RecordRejected as rejected:
        batch.note(place, rejected)
        return []
    return entries


def _fault(row: Row, code: str) -> LockstepError:
    message = vendor_text(row.errors[0].message if row.errors else "no reason given", 300)
    if code in TEMPORARY:
        return TransientError(f"salesforce: {code}: {message}; trying again later may help")
    if code in ACCESS:
        return AccessRefused(f"salesforce: {code}: {message}; {INSTALL}")
    return _refused(f"the store refuses the price: {code}: {message}")


def _refused(message: str) -> RecordRejected:
    return RecordRejected(Problem("price_refused", "UnitPrice", message, ADVICE))


def _no_sale_book(change: PriceChange) -> Problem:
    return Problem(
        "price_sale_not_taken",
        "sale",
        "a price book has one price for a product, and no setting names one for sale prices",
        "name the price book of the list's sale prices in platform.sale_pricebooks",
        change.tag.text(change.place.currency),
    )
