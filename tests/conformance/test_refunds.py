"""Refunds of every store that gives money back: once for a key, and found by it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Intent, Outcome
from domain.exchange import OutcomeUnknown, ShipmentLine
from domain.refunds import OrderRefunds, RefundRequest
from domain.targets import PaymentService
from tests.conformance.systems import DAY, SimulatedStore

pytestmark = pytest.mark.slow

UPS = "1Z12345E0291980793"


@pytest.fixture
def store(refunding: SimulatedStore) -> SimulatedStore:
    """Return each store that gives money back."""
    return refunding


def asked(store: SimulatedStore, return_id: str, ceiling: str = "500") -> RefundRequest:
    """Return a request for one unit of a new order's first line."""
    [order_id] = store.place([DAY])
    line = store.parcel(order_id, UPS).lines[0].line_id
    amount = None if target_of(store).quotes else Decimal("5.00")
    lines = (ShipmentLine(line, 1),)
    return RefundRequest(order_id, return_id, lines, Decimal(ceiling), "USD", amount)


def target_of(store: SimulatedStore) -> PaymentService:
    """Return where the store's refunds go."""
    return store.open().targets["refunds"]


def use(store: SimulatedStore, work: Any) -> Any:
    """Open the store's target and use its writer."""

    async def run() -> Any:
        async with target_of(store).writer(lambda _: None) as writer:
            return await work(writer)

    return asyncio.run(run())


def claim(request: RefundRequest) -> Claimed:
    """Claim a refund with a key of its own."""
    return Claimed(Intent("refund", uuid4(), request.order_id, request), "ret-1")


def test_a_refund_is_made_found_and_shown_with_its_return(store: SimulatedStore) -> None:
    """By the key it is found once, unless another delivery owns it."""
    request = asked(store, "RMA 1")
    made, other = claim(request), claim(request)

    async def work(writer: Any) -> None:
        assert await writer.find([made], ()) == [None]
        [outcome] = await writer.apply([made])
        assert (outcome.state, outcome.held.key) == ("done", made.key.hex)
        [found] = await writer.find([made], ())
        assert found.target_id == outcome.target_id
        assert await writer.find([other], {outcome.target_id}) == [None]
        held = (await writer.held({request.order_id: ()}))[request.order_id]
        shown: OrderRefunds = held.content
        [refund] = shown.refunds
        assert (refund.refund_id, refund.return_id, refund.key, dict(refund.units)) == (
            outcome.target_id,
            "RMA 1",
            made.key.hex,
            request.units(),
        )
        assert refund.amount == outcome.held.amount > 0

    use(store, work)


def test_no_more_than_the_ceiling_goes_out(store: SimulatedStore) -> None:
    """It is refused with the amount and its currency, and nothing is made."""
    request = asked(store, "RMA-1", "0.01")

    async def work(writer: Any) -> Outcome:
        [outcome] = await writer.apply([claim(request)])
        held = (await writer.held({request.order_id: ()}))[request.order_id]
        assert held.content.refunds == ()
        refused: Outcome = outcome
        return refused

    outcome = use(store, work)
    assert [problem.code for problem in outcome.problems] == ["refund_not_approved"]
    amount, currency = outcome.problems[0].value.split()
    assert (Decimal(amount) > 0, currency) == (True, "USD")


def test_an_order_that_the_store_lacks_has_problems_and_stops_nothing(
    store: SimulatedStore,
) -> None:
    """It is the record's fault."""
    unknown = "987654" if store.kind == "bigcommerce" else str(uuid4())

    async def work(writer: Any) -> Any:
        return (await writer.held({unknown: ()}))[unknown]

    held = use(store, work)
    assert [problem.code for problem in held.problems] == ["order_missing_in_store"]


def test_a_store_that_can_not_be_read_leaves_a_refund_unknown(store: SimulatedStore) -> None:
    """Any other error would count it as not made."""
    request = asked(store, "RMA-1")
    store.fault(kind="status", method="GET", status=500, path="/orders/")

    async def work(writer: Any) -> None:
        with pytest.raises(OutcomeUnknown):
            await writer.find([claim(request)], ())

    use(store, work)
