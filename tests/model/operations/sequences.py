"""Several steps in a row that random draws seldom make, each of which broke a promise once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from domain.identity import correlation_id
from sandbox.system import Request
from tests.model.life import Life, NotPossibleError
from tests.model.operations.faults import write_fault, writes_of
from tests.model.operations.operators import configure
from tests.model.operations.registry import NUMBER, among, at, operation, perform
from tests.model.systems import KINDS
from tests.model.wire import LATE
from tests.model.world import AT_OMS, AT_STORE, NAME, OWN

NEIGHBOURS = (1004, 1005)
"""Orders that no other operation touches."""
LINES = [("LAMP", 1)]
ORDERS = (1001, 1002, 1003)
UNSENT: Mapping[str, Mapping[str, Any]] = {
    "refused": {"kind": "status", "status": 503},
    "lost": {"kind": "drop_after"},
    "late": {"kind": "drop_before", "body": LATE, "delay_ms": 20_000},
}
"""What becomes of an order's requests while it is not known whether the OMS has it."""
NEXT: Mapping[str, Mapping[str, Any]] = {
    "cancel": {},
    "archive": {},
    "refund_all": {},
    "move_status": {"status": 2},
}
"""What the store does with such an order."""


@operation("world", 1, status=among(500, 503))
def fail_at_one_order(life: Life, status: int) -> None:
    """Let the OMS fail at one new order, and at no other; the run must not fail for it."""
    if len(life.world.names) > 1 or "create_in_bulk" in life.done:
        raise NotPossibleError  # alone in another connection's run, or together in one call
    if life.facts.served not in (None, OWN):
        raise NotPossibleError  # of a channel that is not served
    life.world.without_faults()
    life.world.wire.between = lambda _: None
    if not life.live() or not life.attempt(life.runs.unfinished) or life.is_due():
        raise NotPossibleError  # something else may fail the run
    for number in NEIGHBOURS:
        perform(life, "place", number=number, lines=LINES)
    ids = {order["number"]: order["id"] for order in life.world.ask_store("truth")["orders"]}
    failing, other = (str(number) for number in NEIGHBOURS)
    writes = KINDS[life.world.pair.oms].writes
    correlation = correlation_id(NAME, "order", ids[failing])
    rule = {"path": writes.path, "kind": "status", "status": status, "correlation": correlation}
    for method in writes.methods:
        life.world.fault(AT_OMS, method=method, **rule)
    life.world.pass_time(timedelta(seconds=3))
    if not life.live("orders"):
        life.facts.broken.append(f"step_failed: by order {failing} alone: {life.runs.log[-1]}")
    if other not in {order["id"] for order in life.world.ask_oms("truth")["orders"]}:
        life.facts.broken.append(f"held_up: order {other} by order {failing}")
    life.world.without_faults()


@at("bigcommerce/manhattan")("operator", 1, number=NUMBER)
def lose_a_line_from_the_ledger(life: Life, number: int) -> None:
    """Restore a backup from before an order got a line that it then loses again."""
    life.world.without_faults()
    perform(life, "sync")
    life.at_oms(number)
    life.keep_backup()
    perform(life, "add_line", number=number, sku="LAMP", units=1)
    perform(life, "sync")
    perform(life, "restore")
    place = len(life.document(number)["products"]) - 1
    perform(life, "remove_line", number=number, place=place)
    perform(life, "sync")


@at("manhattan")("oms", 1, number=NUMBER)
def ship_and_grow(life: Life, number: int) -> None:
    """Ship a unit of an order, show it in the store, and put the rest into the same parcel."""
    perform(life, "ship_one", number=number)
    perform(life, "sync")
    perform(life, "grow_parcel", number=number)


@at("manhattan")("oms", 1, number=NUMBER, fate=among("unsent", "late"))
def lose_a_twin(life: Life, number: int, fate: str) -> None:
    """Ship two parcels that look alike one after the other; the second one's request gets lost."""
    perform(life, "ship_one", number=number)
    perform(life, "sync")
    perform(life, "ship_one", number=number)
    writes = KINDS[life.world.pair.store].writes
    rule = {"path": writes.parcels or writes.path, "method": "POST", "kind": "drop_before"}
    late = {"body": LATE, "delay_ms": 34_000} if fate == "late" else {}
    life.world.fault(AT_STORE, times=1, **rule, **late)
    perform(life, "sync")


@operation("world", 1, number=NUMBER)
def freeze_between_versions(life: Life, number: int) -> None:
    """Freeze a run that has several changed orders to send; one of them changes once more.

    Another process has sent that when the first one wakes up.
    """
    for one in ORDERS:
        with suppress(NotPossibleError):
            perform(life, "move_house", number=one, street="5 Old Street")
    configure(life, oms={"push_concurrency": 1}, platform={"write_concurrency": 1})
    is_write = writes_of(life)

    def act(request: Request) -> None:
        if not is_write(request):
            return
        life.world.wire.between = lambda _: None
        life.world.database.end_sessions()
        life.world.pass_time(timedelta(minutes=2))
        with suppress(NotPossibleError):
            perform(life, "move_house", number=number, street="9 Station Road")
        for _ in range(2):
            life.world.pass_time(timedelta(minutes=2))
            life.let_another_run("orders")  # all streams would cost as much as a short program

    life.world.wire.between = act
    perform(life, "sync")


@operation("world", 1, number=NUMBER)
def freeze_over_answers(life: Life, number: int) -> None:
    """Freeze such a run while it repeats a request whose answers can't be used."""
    write_fault(life, AT_OMS, kind="replaced", status=200, body="<html>ok</html>", times=2)
    perform(life, "freeze_between_versions", number=number)


@operation("merchant", 1, number=NUMBER, fate=among(*UNSENT), then=among(*NEXT))
def go_on_unsent(life: Life, number: int, fate: str, then: str) -> None:
    """Go on in the store with a new order that the OMS may have taken, or has not."""
    perform(life, "place", number=number, lines=LINES)
    write_fault(life, AT_OMS, **UNSENT[fate])
    perform(life, "sync")
    perform(life, then, number=number, **NEXT[then])
    perform(life, "sync")
    life.world.end_faults(AT_OMS)
