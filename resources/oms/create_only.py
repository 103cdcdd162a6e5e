"""Writing orders to an OMS that takes each order id once, and never changes an order."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from domain.builders.cut_texts import cut_in
from domain.delivery import Claimed, Held, OrderCancel, Outcome, Question, outcome_of
from domain.errors import (
    LockstepError,
    PermanentError,
    Problem,
    RecordRejected,
    TransientError,
)
from domain.exchange import OutcomeUnknown, RawRecord, Receipt
from domain.order_comparison import Json, JsonView, OrderForm
from domain.reconciliation import Difference, OrderOrigin
from resources.http.async_client import AsyncApiClient
from resources.http.target_writer import TargetWriter


class OrderReader(Protocol):
    """Reads orders of an account by their ids."""

    def read(self, ids: Collection[str], /) -> Sequence[RawRecord]:
        """Return the orders; those that the account does not have are absent."""


class OrderRecogniser(Protocol):
    """Says which order of the store an order of the account was created from."""

    def origin(self, payload: bytes, /) -> OrderOrigin | None:
        """Return its origin, ``None`` if it can't be one of the connection's."""


class CreateOnlyWriter(TargetWriter):
    """A base for ``domain.targets.Writer`` of orders that are created once, and canceled.

    An order that exists is compared with what was wanted: only an equal one counts as created.
    """

    system: str
    """The name of the OMS, as advice states it."""
    form: OrderForm
    longest_text: int
    """Characters of a free text; a longer one is sent cut (``domain.builders.cut_texts``)."""

    def __init__(
        self, *clients: AsyncApiClient, lists: OrderReader, origins: OrderRecogniser
    ) -> None:
        super().__init__(*clients)
        self._lists, self._origins = lists, origins

    @abstractmethod
    def compare(self, payload: bytes, wanted: JsonView) -> tuple[Json, list[Difference]]:
        """Return what an order holds of ``wanted``, and the differences."""

    @abstractmethod
    async def send(self, claimed: Claimed) -> Receipt:
        """Create or cancel one order."""

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Create or cancel orders, one call each."""
        return [await outcome_of(self._sent(one)) for one in claimed]

    async def _sent(self, claimed: Claimed) -> Receipt:
        receipt = await self.send(claimed)
        if isinstance(claimed.content, OrderCancel):
            return receipt
        return self._with_cut(receipt, claimed.content.wanted)

    def _with_cut(self, receipt: Receipt, wanted: JsonView) -> Receipt:
        """Add warnings of the texts that the OMS has only a part of."""
        warnings = cut_in(wanted, self.longest_text, self.system)
        return replace(receipt, warnings=(*receipt.warnings, *warnings)) if warnings else receipt

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the orders that are what was to be created, whole.

        Any other order of the same id is not this effect: creating it is refused, with what
        differs.
        """
        wanted = [one.content.wanted for one in claimed]
        try:
            held = await self.read([self._id_of(each) for each in wanted])
        except (TransientError, PermanentError) as error:
            raise OutcomeUnknown(f"The order could not be looked up: {error}") from error
        receipts: list[Receipt | None] = []
        for each in wanted:
            order_id = self._id_of(each)
            payload = None if order_id in owned else held.get(order_id)
            is_same = payload is not None and not self.compare(payload, each)[1]
            receipts.append(self._with_cut(Receipt(order_id), each) if is_same else None)
        return receipts

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what the account holds of orders, in the form of what they were sent as.

        Raises ``TransientError`` or ``PermanentError`` where the account can't be read.
        """
        found = await self.read(list(asked))
        return {order_id: self._held(found[order_id], order_id, asked) for order_id in found}

    async def read(self, order_ids: Sequence[str]) -> dict[str, bytes]:
        """Return the payloads of the orders that the account has, by id."""
        found = await asyncio.to_thread(self._lists.read, order_ids)
        return {record.source_id: record.payload for record in found}

    async def same(self, wanted: JsonView, absent: LockstepError | None = None) -> Receipt:
        """Return the receipt of an order that exists as it was wanted.

        Raises ``RecordRejected`` with the fields that differ, since it may be another order, and
        ``absent`` if there is none: by default that it could not be read.
        """
        order_id = self._id_of(wanted)
        held = (await self.read([order_id])).get(order_id)
        if held is None:
            raise absent or OutcomeUnknown(
                f"The account has an order {order_id}, which could not be read to compare it"
            )
        if found := self.compare(held, wanted)[1]:
            raise RecordRejected(*(self._exists_differently(order_id, one) for one in found))
        return Receipt(order_id)

    def _held(self, payload: bytes, order_id: str, asked: Mapping[str, Question]) -> Held:
        try:
            # Of several versions, the account has the one that it differs least from.
            content = min(
                (self.compare(payload, wanted) for wanted in asked[order_id]),
                key=lambda compared: len(compared[1]),
            )[0]
        except RecordRejected as rejected:
            return Held(order_id, problems=rejected.problems)
        origin = self._origins.origin(payload)
        is_canceled = origin is not None and origin.is_canceled
        is_other = not is_canceled and not content[self.form.lines]
        return Held(order_id, content, is_canceled=is_canceled, is_other=is_other)

    def _id_of(self, wanted: JsonView) -> str:
        return str(wanted[self.form.order_id])

    def _exists_differently(self, order_id: str, one: Difference) -> Problem:
        where = f"{self.form.lines}[{one.line_id}]" if one.line_id else ""
        field = ".".join(part for part in (where, one.field) if part)
        return Problem(
            "order_exists_differently",
            field or self.form.order_id,
            f"The account has another order {order_id}: {field or 'a line'} should be "
            f"{one.expected}, and is {one.found}.",
            "Compare both orders. If it is another one, give the connection an order_id_prefix of "
            f"its own; if it is this one, correct it at {self.system} and discard the rejection.",
            order_id,
        )
