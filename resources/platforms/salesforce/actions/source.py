"""Agents' requests in an org: read while they are new, and shown their outcomes.

The object's status is Lockstep's: with its first outcome a request is new no longer, so that our
own writes are read by no later window, and a restored ledger reads no request a second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import ClassVar

import orjson

from domain.connections import Connection
from domain.errors import PermanentError, TransientError
from domain.exchange import Mapped, exchange_log
from domain.parsing.answers import CONTRACT
from domain.records.actions import ActionOutcome, ActionRequest
from domain.sources import EVERYTHING, Page, Scope, Shape, to_pages
from domain.values import Window
from resources.http.async_client import AsyncApiClient
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import vendor_text
from resources.http.shared_calls import SharedCalls
from resources.platforms.salesforce.actions.mapping import to_request
from resources.platforms.salesforce.actions.payload import ADDRESS, NAMES
from resources.platforms.salesforce.answers_payload import ROWS, ErrorEntry, Row
from resources.platforms.salesforce.client import INSTALL, TEMPORARY, refuse_access
from resources.platforms.salesforce.fields import STAMP
from resources.platforms.salesforce.personal import FACTS
from resources.platforms.salesforce.reader import ChangesReader, Resource
from resources.platforms.salesforce.settings import (
    ACTION,
    ACTION_DECIDED,
    ACTION_REASON,
    ACTION_STATUS,
    IDS_A_CALL,
    NEW,
    SalesforceSettings,
)
from resources.platforms.salesforce.soql import is_id

GONE = frozenset({"NOT_FOUND", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})
"""Codes of a row whose record the org no longer has: no agent can look at it."""
LONGEST_REASON = 255
FIELDS = ", ".join(dict.fromkeys((*NAMES.values(), *ADDRESS.values(), STAMP)))


class ActionsSource:
    """``domain.sources.ActionSource`` of one org."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self,
        http: ApiClient,
        policy: ClientPolicy,
        settings: SalesforceSettings,
        connection: Connection,
    ) -> None:
        where = f"{ACTION_STATUS} = '{NEW}'"
        scope: tuple[str, ...] = (where,)
        if settings.sales_store_id is not None:
            scope = (where, f"Order_Summary__r.SalesStoreId = '{settings.sales_store_id}'")
        self._reader = ChangesReader(http, settings, Resource(ACTION, FIELDS, where=scope))
        self._policy, self._rules = policy, connection.addresses
        self._is_on = settings.has_actions

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest new request since; one call."""
        return self._reader.probe(since) if self._is_on else None

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the window's requests that are new, in pages."""
        del scope
        if self._is_on:
            yield from to_pages(self._reader.read(window))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read requests by id, as long as they are new."""
        if self._is_on:
            yield from to_pages(self._reader.read_by_id(ids))

    def to_canonical(self, payload: bytes) -> Mapped[ActionRequest]:
        """Map a captured request."""
        return to_request(payload, self._rules)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the first outcome takes a request off the list of new ones."""

    async def report(self, outcomes: Sequence[ActionOutcome]) -> Sequence[str]:
        """Write status and reason of requests to their records; return those that need no more.

        A request that was made elsewhere has no record. Raises what the whole system refuses.
        """
        own = [one for one in outcomes if self._is_on and is_id(one.action_id)]
        known = [one.action_id for one in outcomes if one not in own]
        if not own:
            return known
        calls = SharedCalls(exchange_log.get())
        async with AsyncApiClient(self._policy, log=calls) as client:
            for start in range(0, len(own), IDS_A_CALL):
                some = own[start : start + IDS_A_CALL]
                with calls.about(one.correlation_id for one in some) as correlation_id:
                    known += await self._write(client, some, correlation_id)
        return known

    async def _write(
        self, client: AsyncApiClient, outcomes: Sequence[ActionOutcome], correlation_id: str
    ) -> list[str]:
        moment = self._policy.clock.now().isoformat(timespec="milliseconds")
        records = [
            {
                "attributes": {"type": ACTION},
                "Id": one.action_id,
                ACTION_STATUS: one.state.capitalize(),
                ACTION_REASON: ": ".join(filter(None, (one.code, one.reason)))[:LONGEST_REASON],
                ACTION_DECIDED: moment,
            }
            for one in outcomes
        ]
        reply = await client.request(
            "PATCH",
            "/composite/sobjects",
            body=orjson.dumps({"allOrNone": False, "records": records}),
            correlation_id=correlation_id,
            idempotent=True,
            decode=ROWS.decode,
        )
        if not reply.ok:
            refuse_access(reply)
            raise PermanentError(f"{reply.error_summary()}; {INSTALL}")
        rows: list[Row] = reply.value
        if len(rows) != len(records):
            raise PermanentError(f"{reply.where} answered {len(rows)} rows: {CONTRACT}")
        return self._known(outcomes, rows)

    @staticmethod
    def _known(outcomes: Sequence[ActionOutcome], rows: Sequence[Row]) -> list[str]:
        """Return the ids whose rows were taken, or are gone; raise where no row was.

        A row that is refused, while others are taken, stays to be shown.
        """
        known: list[str] = []
        refused: list[str] = []
        for one, row in zip(outcomes, rows, strict=True):
            error = next(iter(row.errors or ()), ErrorEntry())
            code = error.statusCode or error.errorCode
            if row.success or code in GONE:
                known.append(one.action_id)
            elif code not in TEMPORARY:
                refused.append(
                    f"request {one.action_id}: {code}: {vendor_text(error.message, 200)}"
                )
        if known:
            return known
        if refused:
            raise PermanentError(f"no outcome can be shown in the org ({refused[0]}); {INSTALL}")
        raise TransientError("salesforce: the records of requests are locked; try later")
