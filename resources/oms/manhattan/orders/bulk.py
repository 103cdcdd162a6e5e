"""Creates many orders in one call. The service creates only; it never changes an order.

UNVERIFIED: the path, the body ``{"data": [...]}`` and the answer's ``data.Orders``, which lists the
orders that were created; another entity's service is documented so (oms.md, section 1.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import orjson

from domain.delivery import Claimed, OrderSave, Outcome
from domain.errors import PermanentError
from domain.exchange import Exchange, ExchangeLog
from resources.http.async_client import AsyncApiClient
from resources.http.reply import Reply
from resources.oms.manhattan.answers_payload import BulkResult
from resources.oms.manhattan.client import open_envelope, to_problem, write_answer
from resources.oms.manhattan.settings import ManhattanSettings

_RESULT = msgspec.json.Decoder(BulkResult | None)
ABSENT = (404, 405, 501)
"""Statuses of a tenant that has no such service at this path."""


class BulkLog:
    """Logs the exchange of a call once for each of its orders, under the order's own id."""

    def __init__(self, log: ExchangeLog) -> None:
        self._log, self._calls = log, dict[str, tuple[str, ...]]()

    def __call__(self, exchange: Exchange) -> None:
        """Log an exchange; one that belongs to no call in progress is logged as it is."""
        for one in self._calls.get(exchange.correlation_id, (exchange.correlation_id,)):
            self._log(replace(exchange, correlation_id=one))

    def begin(self, claimed: Sequence[Claimed]) -> str:
        """Return the id under which a call is made: that of its first order."""
        first = claimed[0].correlation_id
        self._calls[first] = tuple(one.correlation_id for one in claimed)
        return first

    def end(self, correlation_id: str) -> None:
        """Forget a call."""
        del self._calls[correlation_id]


class BulkCreation:
    """``bulkImport`` of a tenant."""

    def __init__(self, client: AsyncApiClient, settings: ManhattanSettings, log: BulkLog) -> None:
        self._client, self._path, self._log = client, settings.paths.bulk_create, log
        self._trace = settings.trace_header.lower()

    async def create(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Create orders; one that the answer does not list as created is ``unsent``.

        The caller saves it on its own, which creates it, finds that it exists already, or says
        what is wrong with it. Raises as ``AsyncApiClient.request`` and ``write_answer`` do, and
        ``PermanentError`` where the tenant has no such service.
        """
        saves: list[OrderSave] = [one.content for one in claimed]
        body = (
            b'{"data":['
            + b",".join(save.encoded or orjson.dumps(save.payload) for save in saves)
            + b"]}"
        )
        correlation_id = self._log.begin(claimed)
        try:
            reply = await self._client.request(
                "POST",
                self._path,
                body=body,
                correlation_id=correlation_id,
                idempotent=True,  # an order that exists is refused, and then saved on its own
                decode=open_envelope,
            )
        finally:
            self._log.end(correlation_id)
        if reply.status in ABSENT:
            raise PermanentError(
                f"{reply.error_summary()}; the OMS has no bulk import there: correct "
                "oms.paths.bulk_create, or set oms.orders_per_call to 1"
            )
        return self._outcomes(saves, reply)

    def _outcomes(self, saves: Sequence[OrderSave], reply: Reply) -> list[Outcome]:
        answer = write_answer(reply)
        created = _created(bytes(answer.data))
        failed = {error.keys().get("OrderId") for error in answer.errors}
        trace_id = reply.headers.get(self._trace, "")[:100]
        outcomes = []
        for save in saves:
            order_id = str(save.payload["OrderId"])
            if order_id not in created or order_id in failed:
                outcomes.append(Outcome("unsent"))
                continue
            notes = (n for n in answer.notes if n.keys().get("OrderId", order_id) == order_id)
            warnings = tuple(map(to_problem, notes))
            outcomes.append(Outcome("done", order_id, warnings=warnings, trace_id=trace_id))
        return outcomes


def _created(data: bytes) -> frozenset[str]:
    """Return the ids that an answer lists as created; none where it lists nothing."""
    try:
        result = _RESULT.decode(data)
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(str(order.order_id) for order in (result and result.orders) or ())
