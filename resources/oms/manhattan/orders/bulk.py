"""Creates many orders in one call. The service creates only; it never changes an order.

UNVERIFIED: the path, the body ``{"data": [...]}`` and the answer's ``data.Orders``, which lists the
orders that were created; another entity's service is documented so (oms.md, section 1.3).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import orjson

from domain.delivery import Claimed, OrderSave, Outcome
from domain.errors import PermanentError
from resources.http.async_client import AsyncApiClient
from resources.http.reply import Reply
from resources.http.shared_calls import SharedCalls
from resources.oms.manhattan.answers_payload import BulkResult
from resources.oms.manhattan.client import open_envelope, to_problem, write_answer
from resources.oms.manhattan.settings import ManhattanSettings

_RESULT = msgspec.json.Decoder(BulkResult | None)
ABSENT = (404, 405, 501)
"""Statuses of a tenant that has no such service at this path."""


class BulkCreation:
    """``bulkImport`` of a tenant."""

    def __init__(
        self, client: AsyncApiClient, settings: ManhattanSettings, calls: SharedCalls
    ) -> None:
        self._client, self._path, self._calls = client, settings.paths.bulk_create, calls
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
        with self._calls.about(one.correlation_id for one in claimed) as correlation_id:
            reply = await self._client.request(
                "POST",
                self._path,
                body=body,
                correlation_id=correlation_id,
                idempotent=True,  # an order that exists is refused, and then saved on its own
                decode=open_envelope,
            )
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
