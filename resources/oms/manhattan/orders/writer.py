"""Writes to Manhattan: saving an order, which is an upsert by its id, and asking for a cancellation, whose answer may come later."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import msgspec
import orjson

from domain.errors import Problem, RecordRejected
from domain.exchange import Receipt
from resources.http.async_client import PushClient
from resources.http.client import Reply
from resources.oms.manhattan.envelope import (
    Answer,
    Message,
    open_envelope,
    rejection,
    told,
    words_of,
    write_answer,
)
from resources.oms.manhattan.payload import Number
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.statuses import RELEASED


class _LineState(msgspec.Struct, rename="pascal"):
    cancellation_request_status: Any = None
    cancellation_request: Any = msgspec.field(default=None, name="cancellationRequestStatus")


class _OrderState(msgspec.Struct, rename="pascal"):
    is_cancelled: bool | None = None
    max_fulfillment_status_id: Number = None
    post_release_modification_status: Any = None
    order_line: list[_LineState] | None = None

    def words(self) -> set[str]:
        """Return what the order and its lines say of a cancel request."""
        lines = self.order_line or []
        told_by = [self.post_release_modification_status]
        told_by += [
            word
            for line in lines
            for word in (line.cancellation_request_status, line.cancellation_request)
        ]
        return {words_of(word) for word in told_by} - {""}


_STATE = msgspec.json.Decoder(_OrderState | None)


class ManhattanWriter:
    """One opened connection for writing."""

    def __init__(self, push: PushClient, settings: ManhattanSettings) -> None:
        self._push, self._paths, self._trace = push, settings.paths, settings.trace_header.lower()
        codes = settings.codes
        self._not_eligible = frozenset(map(words_of, codes.line_not_eligible))
        self._requested = frozenset(map(words_of, codes.cancel_requested))
        self._accepted = frozenset(map(words_of, codes.cancel_accepted))
        self._rejected = frozenset(map(words_of, codes.cancel_rejected))

    async def __aenter__(self) -> Self:
        await self._push.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._push.__aexit__(kind, error, trace)

    async def save_order(
        self, payload: Mapping[str, object], correlation_id: str, *, is_new: bool
    ) -> Receipt:
        """Create or change an order; safe to repeat, since the save is keyed on its id.

        A change is all or nothing at the OMS: where it is refused for lines that can't change any more, the rest is sent without them, and
        a warning ``line_not_eligible`` names each. Raises ``RecordRejected`` for every other refusal, and for one of a whole change.
        """
        order_id = str(payload["OrderId"])
        left_out: tuple[Problem, ...] = ()
        while True:
            body = orjson.dumps(payload)
            reply = await self._post(self._paths.save, body, correlation_id)
            answer = write_answer(reply)
            if not answer.errors:
                return Receipt(
                    order_id,
                    warnings=(*left_out, *answer.warnings()),
                    trace_id=self._trace_of(reply),
                )
            lines = () if is_new else self._refused_lines(answer.errors, payload)
            if not lines:
                raise rejection(answer.errors)
            left_out += tuple(_not_eligible(error) for error in answer.errors)
            payload = _without(payload, lines)
            if payload.keys() <= {"OrderId"}:
                raise RecordRejected(*left_out)

    async def cancel_order(self, order_id: str, reason: str, correlation_id: str) -> Receipt:
        """Ask for the cancellation of a whole order; safe to repeat, since a canceled order stays so.

        The receipt says ``requested`` where the order is released and the tenant decides later. Raises ``RecordRejected``
        ``cancel_refused`` where it is too late.
        """
        path = self._paths.cancel.replace("{order_id}", quote(order_id, safe=""))
        body = orjson.dumps(
            {"CancelReason": {"ReasonId": reason}, "CancelComments": "Canceled at the store"}
        )
        reply = await self._post(path, body, correlation_id)
        answer = write_answer(reply)
        state = _state_of(answer)
        if answer.errors or not self._says_anything(state):
            # The answer's form is the tenant's; the order itself tells what holds, also for one that was canceled before.
            state = await self._read(order_id, correlation_id) or _OrderState()
        if state.is_cancelled:
            return Receipt(order_id, warnings=answer.warnings(), trace_id=self._trace_of(reply))
        if answer.errors:
            raise self._refusal(answer.errors, state)
        words = state.words()
        if words & self._rejected and not words & self._requested:
            raise _too_late("the OMS has rejected the request")
        done = bool(words) and words <= self._accepted
        return Receipt(
            order_id, "done" if done else "requested", answer.warnings(), self._trace_of(reply)
        )

    async def _post(self, path: str, body: bytes, correlation_id: str) -> Reply:
        """Send one write, each of which is an upsert here; the answer is parsed once."""
        return await self._push.request(
            "POST",
            path,
            body=body,
            correlation_id=correlation_id,
            idempotent=True,
            decode=open_envelope,
        )

    def _says_anything(self, state: _OrderState) -> bool:
        return bool(state.is_cancelled) or bool(
            state.words() & (self._requested | self._accepted | self._rejected)
        )

    async def _read(self, order_id: str, correlation_id: str) -> _OrderState | None:
        path = self._paths.read.replace("{order_id}", quote(order_id, safe=""))
        answer = write_answer(
            await self._push.request(
                "GET", path, correlation_id=correlation_id, decode=open_envelope
            )
        )
        return None if answer.errors else _state_of(answer)

    def _refusal(self, errors: tuple[Message, ...], state: _OrderState) -> RecordRejected:
        """Return the reason of a refused cancel: too late where the order is released, else what the OMS says."""
        highest = state.max_fulfillment_status_id
        if highest is not None and highest.is_finite() and highest >= RELEASED:
            return _too_late(told(errors))
        return rejection(errors)

    def _refused_lines(
        self, errors: tuple[Message, ...], payload: Mapping[str, object]
    ) -> tuple[str, ...]:
        """Return the lines that a refusal names, if it names nothing but lines of the payload that can't change."""
        sent = {str(line["OrderLineId"]) for line in _lines(payload)}
        if all(
            words_of(error.code) in self._not_eligible and error.line_id in sent for error in errors
        ):
            return tuple(error.line_id for error in errors)
        return ()

    def _trace_of(self, reply: Reply) -> str:
        return reply.headers.get(self._trace, "")[:100]


def _lines(payload: Mapping[str, object]) -> list[dict[str, Any]]:
    lines = payload.get("OrderLine")
    return lines if isinstance(lines, list) else []


def _without(payload: Mapping[str, object], line_ids: tuple[str, ...]) -> dict[str, object]:
    kept = [line for line in _lines(payload) if str(line["OrderLineId"]) not in line_ids]
    rest = {name: value for name, value in payload.items() if name != "OrderLine"}
    return {**rest, "OrderLine": kept} if kept else rest


def _not_eligible(error: Message) -> Problem:
    problem = error.problem()
    advice = "The line can't change at the OMS any more; change it there by hand if it must."
    return Problem("line_not_eligible", problem.field, problem.message, advice, error.line_id)


def _too_late(why: str) -> RecordRejected:
    advice = "Stop it at the warehouse or take it back as a return; late cancellation is a setting of the tenant."
    return RecordRejected(
        Problem(
            "cancel_refused", "OrderId", f"The order can't be canceled any more: {why}.", advice
        )
    )


def _state_of(answer: Answer) -> _OrderState:
    """Return what an answer's data says of the order; data of another form says nothing."""
    try:
        return _STATE.decode(answer.data) or _OrderState()
    except (ValueError, RecursionError):
        return _OrderState()
