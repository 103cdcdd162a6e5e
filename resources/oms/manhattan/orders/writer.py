"""Writes: saving an order, an upsert by its id, and requesting a cancellation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import quote

import msgspec
import orjson

from domain.errors import PermanentError, Problem, RecordRejected, TransientError
from domain.exchange import OutcomeUnknown, Receipt
from resources.http.async_client import AsyncApiClient
from resources.http.reply import Reply
from resources.oms.manhattan.answers_payload import CancelState, MessageEntry
from resources.oms.manhattan.client import (
    Answer,
    open_envelope,
    rejection,
    summary,
    to_problem,
    write_answer,
)
from resources.oms.manhattan.parsing import folded
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.statuses import RELEASED

_STATE = msgspec.json.Decoder(CancelState | None)


class _LeftOut:
    """The lines that a change is sent without, since the OMS does not change them."""

    def __init__(self, repeated: Collection[str]) -> None:
        self.canceled: set[str] = set()
        self.problems: tuple[Problem, ...] = ()
        self._lines: tuple[str, ...] = ()
        self._warnings: tuple[Problem, ...] = ()
        self._repeated = repeated

    def add(self, errors: tuple[MessageEntry, ...]) -> None:
        """Leave out the lines of refusals."""
        for error in errors:
            if error.line_id in self._repeated:
                self._warnings += (_not_repeated(error),)
            elif error.line_id in self.canceled:
                self._warnings += (_stays_canceled(error),)
            else:
                self.problems += (_not_eligible(error),)
                self._lines += (error.line_id,)

    def receipt(self, order_id: str, trace_id: str, warnings: tuple[Problem, ...] = ()) -> Receipt:
        """Return what has become of the change."""
        return Receipt(
            order_id,
            warnings=(*warnings, *self._warnings),
            trace_id=trace_id,
            refused=self.problems,
            refused_lines=self._lines,
        )


class ManhattanWriter:
    """The writing calls of a tenant."""

    def __init__(self, client: AsyncApiClient, settings: ManhattanSettings) -> None:
        self._client, self._paths = client, settings.paths
        self._trace = settings.trace_header.lower()
        codes = settings.codes
        self._not_eligible = frozenset(map(folded, codes.line_not_eligible))
        self._requested = frozenset(map(folded, codes.cancel_requested))
        self._accepted = frozenset(map(folded, codes.cancel_accepted))
        self._rejected = frozenset(map(folded, codes.cancel_rejected))

    async def save_order(
        self,
        payload: Mapping[str, object],
        correlation_id: str,
        *,
        is_new: bool,
        encoded: bytes = b"",
        repeated: Collection[str] = (),
        may_stay: Collection[str] = (),
    ) -> Receipt:
        """Create or change an order; safe to repeat, since the save is keyed on its id.

        The OMS takes a change as a whole or not at all. Where it refuses one because some lines
        can't change any more, the rest is sent without them, and ``refused`` of the receipt names
        each as ``line_not_eligible``. Only warnings are: a line of ``repeated``, which the OMS
        shows as it is sent, and one of ``may_stay`` that the OMS has canceled. ``encoded`` is the
        payload as JSON, where the caller has it. Raises ``RecordRejected`` for any other refusal,
        and if nothing is left.
        """
        order_id, left_out = str(payload["OrderId"]), _LeftOut(repeated)
        while True:
            body = encoded or orjson.dumps(payload)
            reply = await self._post(self._paths.save, body, correlation_id)
            answer = write_answer(reply)
            if not answer.errors:
                return left_out.receipt(order_id, self._trace_of(reply), answer.warnings())
            lines = () if is_new else self._refused_lines(answer.errors, payload)
            if not lines:
                raise rejection(answer.errors)
            if asked := set(lines).intersection(may_stay).difference(repeated):
                state = await self._fetch_state(order_id, correlation_id, answer) or CancelState()
                left_out.canceled |= asked & state.canceled_lines()
            left_out.add(answer.errors)
            payload, encoded = _without(payload, lines), b""
            if payload.keys() <= {"OrderId"}:
                if left_out.problems:
                    raise RecordRejected(*left_out.problems)
                return left_out.receipt(order_id, self._trace_of(reply))

    async def cancel_order(self, order_id: str, reason: str, correlation_id: str) -> Receipt:
        """Request the cancellation of a whole order; safe to repeat, since canceled is final.

        The receipt's state is ``requested`` where the order is released and the tenant decides
        later. Raises ``RecordRejected`` ``cancel_refused`` if it is too late.
        """
        path = self._paths.cancel.replace("{order_id}", quote(order_id, safe=""))
        body = {"CancelReason": {"ReasonId": reason}, "CancelComments": "Canceled at the store"}
        reply = await self._post(path, orjson.dumps(body), correlation_id)
        answer = write_answer(reply)
        state = _state_of(answer)
        if answer.errors or not self._is_conclusive(state):
            # The answer's form is the tenant's own, and an order may have been canceled before:
            # the order itself shows what holds.
            state = await self._fetch_state(order_id, correlation_id, answer) or CancelState()
        warnings, trace_id = answer.warnings(), self._trace_of(reply)
        if state.is_canceled:
            return Receipt(order_id, warnings=warnings, trace_id=trace_id)
        if answer.errors:
            raise _refusal(answer.errors, state)
        words = state.words()
        if words & self._rejected and not words & self._requested:
            raise _too_late("the OMS has rejected the request")
        is_done = bool(words) and words <= self._accepted
        return Receipt(order_id, "done" if is_done else "requested", warnings, trace_id)

    async def _post(self, path: str, body: bytes, correlation_id: str) -> Reply:
        """Send one write; each of them is an upsert here."""
        return await self._client.request(
            "POST",
            path,
            body=body,
            correlation_id=correlation_id,
            idempotent=True,
            decode=open_envelope,
        )

    def _is_conclusive(self, state: CancelState) -> bool:
        known = self._requested | self._accepted | self._rejected
        return bool(state.is_canceled) or not known.isdisjoint(state.words())

    async def _fetch_state(
        self, order_id: str, correlation_id: str, answer: Answer
    ) -> CancelState | None:
        """Read the order after a cancellation; ``answer`` is what that was answered with.

        Raises ``OutcomeUnknown`` if it can't be read and the cancellation was not refused: any
        other error would count the request as undone, or stop the other orders.
        """
        path = self._paths.read.replace("{order_id}", quote(order_id, safe=""))
        try:
            reply = await self._client.request(
                "GET", path, correlation_id=correlation_id, decode=open_envelope
            )
            held = write_answer(reply)
        except (TransientError, PermanentError) as error:
            if answer.errors:
                raise
            raise OutcomeUnknown(
                f"The cancellation of order {order_id} was requested, and whether it is done could "
                f"not be read: {error}"
            ) from error
        return None if held.errors else _state_of(held)

    def _refused_lines(
        self, errors: tuple[MessageEntry, ...], payload: Mapping[str, object]
    ) -> tuple[str, ...]:
        """Return the lines that can't change, none where the refusal has any other reason."""
        sent = {str(line["OrderLineId"]) for line in _lines(payload)}
        for error in errors:
            if folded(error.code) not in self._not_eligible or error.line_id not in sent:
                return ()
        return tuple(error.line_id for error in errors)

    def _trace_of(self, reply: Reply) -> str:
        return reply.headers.get(self._trace, "")[:100]


def _lines(payload: Mapping[str, object]) -> list[dict[str, object]]:
    lines = payload.get("OrderLine")
    return lines if isinstance(lines, list) else []


def _without(payload: Mapping[str, object], line_ids: tuple[str, ...]) -> dict[str, object]:
    kept = [line for line in _lines(payload) if str(line["OrderLineId"]) not in line_ids]
    rest = {name: value for name, value in payload.items() if name != "OrderLine"}
    return {**rest, "OrderLine": kept} if kept else rest


def _not_eligible(error: MessageEntry) -> Problem:
    problem = to_problem(error)
    advice = "The line can no longer change at the OMS; change it there by hand if necessary."
    return Problem("line_not_eligible", problem.field, problem.message, advice, error.line_id)


def _not_repeated(error: MessageEntry) -> Problem:
    problem = to_problem(error)
    message = f"{problem.message}. It was sent again after a lost answer; the OMS shows the same."
    advice = "Nothing needs to be done, unless its text at the OMS (options, notes) is wrong."
    return Problem("line_not_repeated", problem.field, message, advice, error.line_id)


def _stays_canceled(error: MessageEntry) -> Problem:
    message = (
        "The store has changed this line, which the OMS has canceled and does not change any more. "
        "It stays canceled there."
    )
    advice = "Nothing, if the shopper was informed of the canceled line and got the money back."
    field = to_problem(error).field
    return Problem("line_canceled_at_oms", field, message, advice, error.line_id)


def _refusal(errors: tuple[MessageEntry, ...], state: CancelState) -> RecordRejected:
    """Return why a cancellation was refused: too late if the order is released, else the errors."""
    highest = state.max_fulfillment_status_id
    if highest is not None and highest.is_finite() and highest >= RELEASED:
        return _too_late(summary(errors))
    return rejection(errors)


def _too_late(reason: str) -> RecordRejected:
    text = f"The order can no longer be canceled: {reason}."
    advice = (
        "Stop it at the warehouse or take it back as a return; "
        "late cancellation is a setting of the tenant."
    )
    return RecordRejected(Problem("cancel_refused", "OrderId", text, advice))


def _state_of(answer: Answer) -> CancelState:
    """Return the order's state in an answer's data; data of another form counts as no state."""
    try:
        return _STATE.decode(answer.data) or CancelState()
    except (ValueError, RecursionError):
        return CancelState()
