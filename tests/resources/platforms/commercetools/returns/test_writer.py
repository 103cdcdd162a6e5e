"""Refunds as transactions of a project's payments: conflicts, repetitions, unusable answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Intent, Outcome
from domain.exchange import ShipmentLine
from domain.refunds import RefundRequest
from tests.resources.platforms.commercetools.conftest import Open
from tests.sandbox.simulated_project import Project, an_order

Json = dict[str, Any]


def charged(*amounts: str) -> list[Json]:
    """Return payments that have collected these amounts."""
    return [
        {
            "amountPlanned": amount,
            "paymentMethodInfo": {"method": "CREDIT_CARD"},
            "transactions": [{"type": "Charge", "state": "Success", "amount": amount}],
        }
        for amount in amounts
    ]


def claim(project: Project, amount: str, *payments: str) -> Claimed:
    """Claim the refund of a unit of a new order that was paid so."""
    order = an_order(uuid4().hex[:8], payments=charged(*payments or ("46.80",)))
    [order_id] = project.place(order)
    lines = (ShipmentLine(project.order(order_id)["lineItems"][0]["id"], 1),)
    request = RefundRequest(order_id, "R-1", lines, None, "USD", Decimal(amount))
    return Claimed(Intent("refund", uuid4(), order_id, request), "ret-1")


def apply(store: Any, claimed: Sequence[Claimed]) -> list[Outcome]:
    """Refund; return the outcomes."""

    async def run() -> list[Outcome]:
        async with store.targets["returns"].writer(lambda _: None) as writer:
            found: list[Outcome] = await writer.apply(claimed)
            return found

    return asyncio.run(run())


def refunds(project: Project, claimed: Claimed) -> list[int]:
    """Return the cents of each refund that the order's payments have."""
    project.set("faults", None, "DELETE")
    order = project.order(claimed.content.order_id, expand="paymentInfo.payments[*]")
    return [
        transaction["amount"]["centAmount"]
        for payment in order["paymentInfo"]["payments"]
        for transaction in payment["obj"]["transactions"]
        if transaction["type"] == "Refund"
    ]


def fault(project: Project, status: int, body: Any, **rule: Any) -> None:
    """Let writes of payments be answered so."""
    more = {"kind": "status", "method": "POST", "path": "/payments/"}
    project.set("faults", [more | {"status": status, "body": body} | rule])


CONFLICT: Json = {"statusCode": 409, "message": "x", "errors": [{"code": "ConcurrentModification"}]}


def test_a_refund_is_made_once_for_a_key(project: Project, open_store: Open) -> None:
    """A repetition answers with the transaction that is there; another key makes another."""
    one = claim(project, "12.00")
    other = Claimed(Intent("refund", uuid4(), one.content.order_id, one.content), "ret-2")
    store = open_store()
    first, again, second = apply(store, [one, one, other])
    assert [outcome.state for outcome in (first, again, second)] == ["done"] * 3
    assert first.target_id == again.target_id != second.target_id
    assert refunds(project, one) == [1200, 1200]


def test_a_refund_of_nothing_is_done_without_a_transaction(
    project: Project, open_store: Open
) -> None:
    """The return of a gift: its units count as refunded."""
    one = claim(project, "0.00")
    [outcome] = apply(open_store(), [one])
    assert (outcome.state, outcome.target_id) == ("done", "")
    assert (outcome.held.amount, dict(outcome.held.units)) == (0, one.content.units())
    assert outcome.held.key == one.key.hex
    assert refunds(project, one) == []


def test_a_divided_refund_is_a_transaction_of_each_payment(
    project: Project, open_store: Open
) -> None:
    """Its receipt is of the whole; a repetition adds nothing."""
    one = claim(project, "45.00", "10.00", "36.80")
    first, again = apply(open_store(), [one, one])
    assert (first.state, first.held.amount, first.held.missing) == ("done", Decimal("45.00"), 0)
    assert first.target_id.count("+") == 1
    assert again.target_id == first.target_id
    assert sorted(refunds(project, one)) == [820, 3680]


@pytest.mark.parametrize("times", [1, 3])
def test_a_payment_that_changes_meanwhile_is_read_again(
    project: Project, open_store: Open, times: int
) -> None:
    """The refund is planned for what it holds then, and made once."""
    one = claim(project, "12.00")
    fault(project, 409, CONFLICT, times=times)
    [outcome] = apply(open_store(), [one])
    assert outcome.state == "done"
    assert refunds(project, one) == [1200]


def test_a_payment_that_never_rests_waits_for_a_later_try(
    project: Project, open_store: Open
) -> None:
    """Not a rejection: nothing is wrong with the return."""
    one = claim(project, "12.00")
    fault(project, 409, CONFLICT)
    [outcome] = apply(open_store(), [one])
    assert outcome.state == "retry"
    assert "changed 5 times" in outcome.error
    assert refunds(project, one) == []


def test_a_refund_that_the_project_refuses_is_a_rejection_with_its_reason(
    project: Project, open_store: Open
) -> None:
    """The return can't be refunded as it is; others go on."""
    refused, other = claim(project, "12.00"), claim(project, "7.00")
    body = {"statusCode": 400, "message": "No refunds.", "errors": [{"code": "InvalidOperation"}]}
    fault(project, 400, body, times=1)
    first, second = apply(open_store(), [refused, other])
    [problem] = first.problems
    assert (first.state, problem.code) == ("refused", "refund_refused")
    assert "No refunds." in problem.message
    assert second.state == "done"
    assert (refunds(project, refused), refunds(project, other)) == ([], [700])


@pytest.mark.parametrize(
    "body",
    ["<html>", "", "[]", {}, {"id": 5, "transactions": 3}, {"id": "another"}, {"transactions": []}],
)
def test_an_answer_that_is_not_the_payment_leaves_a_refund_unknown(
    project: Project, open_store: Open, body: Any
) -> None:
    """It may have been made: it is looked for before it is sent again."""
    one = claim(project, "12.00")
    fault(project, 200, body)
    [outcome] = apply(open_store(), [one])
    assert outcome.state == "unknown"


def test_an_answer_without_the_refund_leaves_it_unknown(project: Project, open_store: Open) -> None:
    """The payment in its state before says not the outcome of the request."""
    one = claim(project, "12.00")
    order = project.order(one.content.order_id, expand="paymentInfo.payments[*]")
    fault(project, 200, order["paymentInfo"]["payments"][0]["obj"])
    [outcome] = apply(open_store(), [one])
    assert outcome.state == "unknown"
