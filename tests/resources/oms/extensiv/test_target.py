"""Orders as a target: which order of the account is the effect of a creation, and which is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Held, Intent, OrderCancel, OrderSave, Outcome
from domain.exchange import OutcomeUnknown, Receipt
from domain.ports import OrderManagementSystem
from resources.http.retries import RetryPolicy
from sandbox.app import RunningSandbox
from tests.conformance.oms.extensiv import System

Json = dict[str, Any]


@pytest.fixture
def account(
    sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[System]:
    """An account of the test's own, without waits between attempts."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, _failures: 0.01)
    made = System(sandbox, tmp_path)
    yield made
    made.close()


def claim(connector: OrderManagementSystem, account: System, number: int, **more: Any) -> Claimed:
    """Claim the creation of an order; with ``changed`` at another address."""
    order = account.order(number)
    if more.get("changed"):
        order = account.changed(order)
    content = connector.targets["orders"].payload(order)
    return Claimed(
        Intent("create", uuid4(), order.order_id, OrderSave(content, content, None)), "o"
    )


def use(connector: OrderManagementSystem, work: Callable[[Any], Any]) -> Any:
    """Open the account's target of orders and use its writer."""

    async def run() -> Any:
        async with connector.targets["orders"].writer(lambda _: None) as writer:
            return await work(writer)

    return asyncio.run(run())


def apply(connector: OrderManagementSystem, *claimed: Claimed) -> list[Outcome]:
    """Deliver orders; return the outcomes."""
    found: list[Outcome] = use(connector, lambda writer: writer.apply(claimed))
    return found


def find(
    connector: OrderManagementSystem, claimed: Sequence[Claimed], owned: Collection[str] = ()
) -> list[Receipt | None]:
    """Look for the effects of creations."""
    found: list[Receipt | None] = use(connector, lambda writer: writer.find(claimed, owned))
    return found


def test_a_creation_is_found_by_its_whole_order(account: System) -> None:
    """An order of the id that differs is not its effect, nor one that another delivery owns."""
    connector = account.open()
    one, two, missing = (claim(connector, account, number) for number in (1, 2, 3))
    assert [outcome.state for outcome in apply(connector, one, two)] == ["done", "done"]
    other = claim(connector, account, 2, changed=True)
    found = find(connector, [one, other, missing])
    assert [receipt and receipt.target_id for receipt in found] == ["T-1", None, None]
    assert find(connector, [one, two], {"T-1"})[0] is None


def test_an_account_that_does_not_answer_leaves_a_creation_unknown(account: System) -> None:
    """Any other error would count the order as not created."""
    connector = account.open()
    one = claim(connector, account, 1)
    account.fault(kind="status", method="GET", status=500, path="/orders/")
    with pytest.raises(OutcomeUnknown, match="could not be looked up"):
        find(connector, [one])


def test_a_creation_that_is_repeated_is_done_and_makes_one_order(account: System) -> None:
    """The account refuses the id, and has the order as it was wanted."""
    connector = account.open()
    one = claim(connector, account, 1)
    outcomes = [apply(connector, one)[0] for _ in range(2)]
    assert [(one.state, one.target_id) for one in outcomes] == [("done", "T-1")] * 2
    assert account.creates("T-1") == 1


def test_another_order_of_the_id_is_a_rejection_with_what_differs(account: System) -> None:
    """An operator decides which of the two is right; of an address only the names are shown."""
    connector = account.open()
    apply(connector, claim(connector, account, 1))
    [outcome] = apply(connector, claim(connector, account, 1, changed=True))
    [problem] = outcome.problems
    assert (outcome.state, problem.code) == ("refused", "order_exists_differently")
    assert (problem.field, problem.value) == ("address", "T-1")
    assert "Dallas" not in problem.message


def test_an_order_that_exists_and_can_not_be_read_is_unknown(account: System) -> None:
    """Whether it is the one that was wanted can't be said."""
    connector = account.open()
    one = claim(connector, account, 1)
    refusal = {"success_code": False, "error_code": "Failure", "message": "OrderDuplicate"}
    account.fault(kind="status", status=200, body=refusal, path=account.saves, method="POST")
    [outcome] = apply(connector, one)
    assert outcome.state == "unknown"


def test_of_two_versions_the_account_has_the_one_that_it_differs_least_from(
    account: System,
) -> None:
    """And a canceled order shows it; one that it lacks is absent."""
    connector = account.open()
    one, other = claim(connector, account, 1), claim(connector, account, 1, changed=True)
    apply(connector, one)
    asked = {"T-1": (other.content.wanted, one.content.wanted), "T-2": (one.content.wanted,)}
    held: dict[str, Held] = use(connector, lambda writer: writer.held(asked))
    assert (set(held), held["T-1"].is_canceled) == ({"T-1"}, False)
    assert held["T-1"].content == one.content.wanted
    cancel = Intent("cancel", uuid4(), "T-1", OrderCancel("T-1", "Customer Request"))
    [outcome] = apply(connector, Claimed(cancel, "o"))
    assert outcome.state == "done"
    assert use(connector, lambda writer: writer.held(asked))["T-1"].is_canceled


@pytest.mark.parametrize("number", [1, 2])
def test_a_held_order_of_another_shape_is_a_problem_of_that_order(
    account: System, number: int
) -> None:
    """The others are compared."""
    connector = account.open()
    claimed = [claim(connector, account, n) for n in (1, 2)]
    apply(connector, *claimed)
    odd = {"cust_ref": f"T-{number}", "items": ["x"], "updated_date_time": "2026-03-04T05:06:07"}
    body = {"success_code": True, "response": odd}
    account.fault(kind="status", status=200, body=body, method="GET", path=f"/orders/.*T-{number}")
    asked = {f"T-{n}": (one.content.wanted,) for n, one in enumerate(claimed, 1)}
    held: dict[str, Held] = use(connector, lambda writer: writer.held(asked))
    problems = {name: [problem.code for problem in one.problems] for name, one in held.items()}
    other = f"T-{3 - number}"
    assert problems == {f"T-{number}": ["oms_payload_unreadable"], other: []}
    assert held[other].content == asked[other][0]
