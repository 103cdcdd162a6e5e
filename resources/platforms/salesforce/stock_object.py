"""Stock in a custom object of an org instead of Omnichannel Inventory: a record for each level.

The object and its fields are settings (``platform.inventory``); ``deploy/salesforce`` has one with
the names of the defaults. A record has the OMS's number as it is: nothing is known here of units
that orders have reserved. Records are upserted by an external id, by collections of which each row
has a result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec
import orjson

from domain.connections import Connection
from domain.delivery import Claimed, LevelChange, Operation, Outcome, failed, succeeded
from domain.errors import (
    AccessRefused,
    LockstepError,
    PermanentError,
    Problem,
    RecordRejected,
    TransientError,
)
from domain.exchange import ExchangeLog, Receipt
from domain.parsing.answers import CONTRACT
from domain.skus import sku_key
from domain.targets import NO_LEVEL
from resources.http.async_client import AsyncApiClient
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import request_id, vendor_text
from resources.http.target_writer import TargetWriter
from resources.platforms.salesforce.answers_payload import DESCRIPTIONS, ROWS, Description, Row
from resources.platforms.salesforce.client import (
    ACCESS,
    INSTALL,
    TEMPORARY,
    QueryClient,
    refuse_access,
)
from resources.platforms.salesforce.inventory import ADVICE
from resources.platforms.salesforce.levels import DEFAULT, Level
from resources.platforms.salesforce.settings import IDS_A_CALL, SalesforceSettings, StockObject
from resources.platforms.salesforce.soql import all_of, one_of, select
from resources.preflight import Finding

LONGEST_CONDITION = 8_000
"""Characters of SKUs in a query's address, which may have 16,384 with all else."""
CORRECT = "correct platform.inventory, or give the integration user access to the object"
UNKNOWN_NAMES = frozenset(
    {"INVALID_TYPE", "INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "NOT_FOUND"}
)
"""Codes of a row for an object or field that there is not, or the user may not see."""
_ROWS = msgspec.json.Decoder(dict[str, object])


class ObjectReader:
    """Reads locations and levels of one org's object."""

    def __init__(
        self, http: ApiClient, settings: SalesforceSettings, stock: StockObject, rules: Connection
    ) -> None:
        self._http, self._stock = http, stock
        self._queries = QueryClient(http, settings.data_path)
        policy, default = rules.inventory, settings.inventory_location
        self._locations = {DEFAULT: DEFAULT}
        if stock.location is not None:
            named = {default, policy.store_location, *policy.nodes.values()}
            self._locations = {name: name for name in named} | {DEFAULT: default}

    def locations(self) -> dict[str, str]:
        """Return the locations that the connection names, and ``default``: the org has no list."""
        return dict(self._locations)

    def stock(self, skus: Collection[str]) -> dict[Level, int]:
        """Return (SKU, location) -> quantity; ``NO_LEVEL`` where no record has a whole number."""
        wanted, places = sorted(set(skus)), set(self._locations.values())
        levels = {(sku, place): NO_LEVEL for sku in wanted for place in places}
        names = {sku_key(sku): sku for sku in wanted} | {sku: sku for sku in wanted}
        for chunk in _chunks(wanted):
            where = all_of([one_of(self._stock.sku, chunk)])
            for page in self._queries.rows(f"{self.text}{where} ORDER BY Id"):
                for raw in page:
                    sku, place, quantity = self._level(raw)
                    name = names.get(sku) or names.get(sku_key(sku), "")
                    if (name, place) in levels:
                        levels[name, place] = quantity
        return levels

    @property
    def text(self) -> str:
        """Return the query of records, without its conditions."""
        return select(", ".join(("Id", *self._stock.fields)), self._stock.object)

    def check(self) -> Finding:
        """Look whether the object can be read, and records are unique by the external id."""
        stock = self._stock
        found = self._queries.page(f"{self.text} LIMIT 1")
        path = f"/sobjects/{stock.object}/describe"
        reply = self._http.request("GET", path, decode=DESCRIPTIONS.decode)
        if not reply.ok:
            return False, reply.error_summary()[:300], CORRECT
        description: Description = reply.value
        described = {field.name: field for field in description.fields}
        key = described.get(stock.external_id)
        if key is None or not (key.externalId and key.unique):
            detail = f"{stock.object}.{stock.external_id} is not a unique external id"
            return False, detail, "make the field an external id, and unique"
        return True, f"{stock.object} can be read; {len(found.records)} found", ""

    def _level(self, raw: msgspec.Raw) -> tuple[str, str, int]:
        where = f"salesforce: a record of {self._stock.object}"
        try:
            row = _ROWS.decode(raw)
        except (ValueError, RecursionError):
            raise PermanentError(f"{where} can't be read: {CONTRACT}") from None
        sku = row.get(self._stock.sku)
        place = row.get(self._stock.location) if self._stock.location is not None else DEFAULT
        number = row.get(self._stock.available)
        if isinstance(number, bool) or not isinstance(number, int | float | None):
            raise PermanentError(
                f"{where} has {self._stock.available}, which is not a number: {CORRECT}; trying "
                "again won't help"
            )
        # A fraction or nothing is what a person wrote: it differs from every level.
        quantity = Decimal(NO_LEVEL if number is None else str(number))
        is_whole = abs(quantity) < 10**15 and quantity == quantity // 1
        return str(sku or ""), str(place or ""), int(quantity) if is_whole else NO_LEVEL


class ObjectStock:
    """``domain.targets.LevelTarget``: a call for up to 200 records of one location."""

    basis = ""

    def __init__(
        self,
        policy: ClientPolicy,
        settings: SalesforceSettings,
        stock: StockObject,
        reader: ObjectReader,
    ) -> None:
        self._policy, self._settings, self._stock = policy, settings, stock
        self._reader = reader
        self.acts_for = policy.acts_for
        self.operations: Mapping[str, Operation] = {"stock": Operation(batch=IDS_A_CALL)}

    def locations(self) -> Mapping[str, str]:
        """Return location code -> id."""
        return self._reader.locations()

    def levels(self, skus: Collection[str]) -> dict[Level, int]:
        """Return (SKU, location id) -> quantity."""
        return self._reader.stock(skus)

    def writer(self, log: ExchangeLog) -> ObjectStockWriter:
        """Open the org for writing stock."""
        concurrency = self._settings.write_concurrency
        client = AsyncApiClient(self._policy, concurrency=concurrency, log=log)
        return ObjectStockWriter(client, self._stock)


class ObjectStockWriter(TargetWriter):
    """``domain.targets.Writer`` of stock: an absolute level that is uncertain is written again."""

    def __init__(self, client: AsyncApiClient, stock: StockObject) -> None:
        super().__init__(client)
        self._client, self._stock = client, stock

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Set levels; a refused row stops no other."""
        slices = range(0, len(claimed), IDS_A_CALL)
        return [o for n in slices for o in await self._put(claimed[n : n + IDS_A_CALL])]

    async def _put(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        stock = self._stock

        def answered(body: bytes) -> list[Row]:
            rows = ROWS.decode(body)
            if len(rows) != len(claimed):
                raise ValueError(f"the answer has {len(rows)} rows for {len(claimed)} records")
            return rows

        records = [self._record(one.content) for one in claimed]
        try:
            reply = await self._client.request(
                "PATCH",
                f"/composite/sobjects/{stock.object}/{stock.external_id}",
                body=orjson.dumps({"allOrNone": False, "records": records}),
                idempotent=True,
                decode=answered,
            )
            if not reply.ok:
                refuse_access(reply)
                raise PermanentError(f"{reply.error_summary()}; {CORRECT}")
        except LockstepError as error:
            return [failed(error) for _ in claimed]
        trace_id = request_id(reply.headers)
        rows: list[Row] = reply.value
        return [
            succeeded(Receipt(one.content.target.sku, trace_id=trace_id))
            if row.success
            else failed(_fault(row, one.content.target.sku))
            for one, row in zip(claimed, rows, strict=True)
        ]

    def _record(self, change: LevelChange) -> dict[str, Any]:
        stock, target = self._stock, change.target
        record = {"attributes": {"type": stock.object}, stock.sku: target.sku}
        if stock.location is not None and stock.key is not None:
            # A location's name has no such character: two levels never have one key.
            place = target.location.replace("%", "%25").replace("/", "%2F")
            record |= {stock.location: target.location, stock.key: f"{place}/{target.sku}"}
        return record | {stock.available: target.quantity}


def _fault(row: Row, sku: str) -> LockstepError:
    error = row.errors[0] if row.errors else None
    code = error.statusCode or error.errorCode if error is not None else ""
    message = vendor_text(error.message if error is not None else "no reason given", 300)
    if code in TEMPORARY:
        return TransientError(f"salesforce: {code}: {message}; trying again later may help")
    if code in ACCESS:
        return AccessRefused(f"salesforce: {code}: {message}; {INSTALL}")
    if code in UNKNOWN_NAMES:
        return PermanentError(f"salesforce: {code}: {message}; {CORRECT}")
    text = f"the store refuses the level: {code}: {message}"
    return RecordRejected(Problem("stock_refused", "quantity", text, ADVICE, sku))


def _chunks(skus: Sequence[str]) -> Iterator[list[str]]:
    """Yield SKUs that fit into the address of one query."""
    chunk: list[str] = []
    room = LONGEST_CONDITION
    for sku in skus:
        size = len(quote(sku)) + len("%27%27%2C")
        if chunk and (size > room or len(chunk) == IDS_A_CALL):
            yield chunk
            chunk, room = [], LONGEST_CONDITION
        chunk.append(sku)
        room -= size
    if chunk:
        yield chunk
