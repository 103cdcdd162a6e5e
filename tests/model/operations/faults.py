"""What the world does: lost answers, late effects, outages, lost locks, deaths, clocks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.system import Request
from tests.model.ledger import Connection
from tests.model.life import Life, NotPossibleError
from tests.model.operations.operators import configure
from tests.model.operations.registry import NUMBER, among, at, between, operation, perform
from tests.model.systems import KINDS
from tests.model.wire import LATE
from tests.model.world import AT_OMS, AT_STORE

SYSTEM = among(AT_STORE, AT_OMS)
CLOCK_CHANGES = (
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
)
MEANWHILE: dict[str, Callable[[Life, int], None]] = {
    "ships": lambda life, number: perform(life, "ship", number=number),
    "arrives": lambda life, number: perform(life, "deliver", number=number),
    "moves": lambda life, number: perform(
        life, "move_house", number=number, street="9 Station Road"
    ),
}
"""What happens to an order while a process is frozen."""
CAPTURED = "SELECT 1 FROM sync.capture LIMIT 1"
TIMES = among(1, 1, 2, 6)
SKIP = between(0, 2)


def write_fault(life: Life, system: str, **rule: Any) -> None:
    """Hit requests that change something."""
    writes = KINDS[life.world.kind_of(system)].writes
    life.world.fault(system, only=writes.match, **rule)


@operation("world", 2, system=SYSTEM, times=TIMES, skip=SKIP)
def lose_answers(life: Life, system: str, times: int, skip: int) -> None:
    """Lose the answers to writes, after their effects."""
    write_fault(life, system, kind="drop_after", times=times, skip=skip)


@operation("world", 2, system=SYSTEM, times=TIMES, skip=SKIP)
def lose_requests(life: Life, system: str, times: int, skip: int) -> None:
    """Lose writes before their effects."""
    write_fault(life, system, kind="drop_before", times=times, skip=skip)


@operation("world", 2, system=SYSTEM, times=among(1, 2), seconds=among(2, 20, 33))
def delay_effects(life: Life, system: str, times: int, seconds: int) -> None:
    """Let writes take effect only after a while, unanswered."""
    write_fault(life, system, kind="drop_before", body=LATE, delay_ms=1000 * seconds, times=times)


@operation(
    "world", 1, system=SYSTEM, times=among(1, 2), body=among("<html>ok</html>", "", "{", "{}")
)
def garble_answers(life: Life, system: str, times: int, body: str) -> None:
    """Answer writes, and reads like them, with a success that can't be used, after the effect."""
    writes = KINDS[life.world.kind_of(system)].writes
    for method in writes.methods:
        rule = {"path": writes.path, "method": method, "times": times, "body": body}
        life.world.fault(system, kind="replaced", status=200, **rule)


@operation(
    "world",
    2,
    number=NUMBER,
    parcels=among("all", "twins", "twin"),
    fate=among("lost", "unsent", "late"),
    skip=between(0, 1),
)
def ship_into_trouble(life: Life, number: int, parcels: str, fate: str, skip: int) -> None:
    """Ship an order in the minute in which the store answers badly; runs follow closely."""
    if parcels == "twin":  # the store has a parcel like it
        perform(life, "ship_one", number=number)
        life.live("shipments")
        perform(life, "ship_one", number=number)
    else:
        perform(life, {"all": "ship", "twins": "ship_twins"}[parcels], number=number)
    late: dict[str, Any] = {"body": LATE, "delay_ms": 34_000} if fate == "late" else {}
    kind = "drop_after" if fate == "lost" else "drop_before"
    writes = KINDS[life.world.pair.store].writes
    path = writes.parcels or writes.path
    rule = {"path": path, "method": "POST", "kind": kind, "skip": skip, "times": 1}
    life.world.fault(AT_STORE, **rule, **late)
    life.live("shipments")
    life.attempt(life.runs.unfinished)


@operation("world", 1, system=SYSTEM, times=TIMES, status=among(500, 502, 503, 504))
def fail_writes(life: Life, system: str, times: int, status: int) -> None:
    """Let writes fail at the system, without an effect."""
    write_fault(life, system, kind="status", status=status, times=times)


@operation("world", 1, system=SYSTEM, times=TIMES, status=among(502, 504))
def fail_after_effect(life: Life, system: str, times: int, status: int) -> None:
    """Let a proxy report a failure after the effect."""
    write_fault(life, system, kind="replaced", status=status, body="<html/>", times=times)


@operation(
    "world",
    1,
    system=SYSTEM,
    times=among(1, 3),
    path=among("search|order|query", "availab|catalog|inventory|stock|product"),
)
def fail_reads(life: Life, system: str, times: int, path: str) -> None:
    """Let reads fail."""
    life.world.fault(system, path=path, kind="status", status=503, times=5 * times)


@operation("world", 1, system=SYSTEM, times=among(1, 2))
def cut_answers(life: Life, system: str, times: int) -> None:
    """Cut answers of any kind off in the middle."""
    life.world.fault(system, path="order|query", kind="truncated", times=times)


@operation("world", 1, system=SYSTEM, times=among(1, 30))
def refuse_quota(life: Life, system: str, times: int) -> None:
    """Answer that the quota is used up."""
    headers = {"Retry-After": "1"}
    life.world.fault(system, kind="status", status=429, headers=headers, times=times)


@operation("world", 1, system=SYSTEM, hours=among(0.1, 2, 14))
def outage(life: Life, system: str, hours: float) -> None:
    """Let a system be down for a while, with runs at intervals."""
    life.world.fault(system, kind="status", status=503)
    for _ in range(4):
        life.world.pass_time(timedelta(hours=hours / 4))
        life.live()
        life.attempt(life.runs.unfinished)
    life.world.end_faults(system)


@operation("world", 1, system=SYSTEM, status=among(500, 503))
def go_down(life: Life, system: str, status: int) -> None:
    """Let a system be down until faults end, whatever all others do meanwhile."""
    life.world.fault(system, kind="status", status=status)


@operation("world", 1, system=SYSTEM)
def forbid(life: Life, system: str) -> None:
    """Refuse all requests of one run with 403."""
    life.world.fault(system, kind="status", status=403)
    life.world.pass_time(timedelta(seconds=10))
    life.live()
    life.world.end_faults(system)


@operation("world", 2, requests=between(1, 12), after=among(True, False))
def die_at_request(life: Life, requests: int, after: bool) -> None:
    """Let the process die before or after its n-th request from now on."""
    trigger = _nth(requests, life.world.die)
    if after:
        life.world.wire.after = trigger
    else:
        life.world.wire.before = trigger


@operation("world", 2, requests=between(1, 3), after=among(True, False))
def die_at_write(life: Life, requests: int, after: bool) -> None:
    """Let the process die before or after its n-th write from now on."""
    trigger = _nth(requests, life.world.die, only=writes_of(life))
    if after:
        life.world.wire.after = trigger
    else:
        life.world.wire.before = trigger


@operation("world", 2, commits=between(1, 25), after=among(True, False))
def die_at_commit(life: Life, commits: int, after: bool) -> None:
    """Let the process die before or after its n-th commit from now on."""
    name, trigger = "committed" if after else "commit", _nth(commits, life.world.die)
    Connection.at = staticmethod(lambda place: trigger(None) if place == name else None)


@operation("world", 1, requests=between(1, 3))
def lose_lock(life: Life, requests: int) -> None:
    """End all database sessions of a run before its n-th write; the process lives on."""
    life.world.wire.before = _nth(requests, life.world.database.end_sessions, only=writes_of(life))


@operation("world", 2, number=NUMBER, writes=between(1, 4), kind=among(*MEANWHILE))
def freeze(life: Life, number: int, writes: int, kind: str) -> None:
    """Freeze a process after its n-th write; an order goes on, and another process takes over.

    Its sessions end, and what it had sent before can no longer act when the other one starts; then
    the first one wakes up. It makes one call at a time: what is being sent is not stopped.
    """
    configure(life, oms={"push_concurrency": 1}, platform={"write_concurrency": 1})

    def act() -> None:
        life.world.wire.between = lambda _: None
        life.world.database.end_sessions()
        life.world.pass_time(timedelta(minutes=2))
        with suppress(NotPossibleError):
            MEANWHILE[kind](life, number)
        life.world.pass_time(timedelta(seconds=3))
        life.let_another_run()

    life.world.wire.between = _nth(writes, act, only=writes_of(life))


@operation("world", 1, system=SYSTEM, seconds=among(-900, -100, 0, 5, 100, 900))
def skew_clock(life: Life, system: str, seconds: int) -> None:
    """Set a system's clock, forward; or back, before any of its records was read.

    A version with an earlier stamp than one that was read before is taken for the older one.
    """
    offset = timedelta(seconds=seconds)
    if offset < life.world.skew[system] and life.world.database.rows(CAPTURED):
        raise NotPossibleError
    life.facts.is_set_back |= offset < life.world.skew[system]
    life.world.skew[system] = offset
    life.world.pass_time(timedelta(0))


@at("manhattan")("world", 1, change=between(0, 4), minutes=among(20, 70, 200))
def change_clocks(life: Life, change: int, minutes: int) -> None:
    """Start shortly before daylight saving begins or ends at the OMS, whose stamps are local."""
    if life.done not in ([], ["share_oms"]):
        raise NotPossibleError
    zone, moment = CLOCK_CHANGES[change]
    life.world.start_at(moment - timedelta(minutes=minutes), zone)


@operation("world", 3, minutes=among(1, 10, 60, 185, 1500))
def wait(life: Life, minutes: int) -> None:
    """Let time pass: minutes, to the next day, or beyond a whole one."""
    life.world.pass_time(timedelta(minutes=minutes))


@at("manhattan")("world", 1)
def expire_tokens(life: Life) -> None:
    """Let all tokens of the OMS expire."""
    life.world.to_oms("tokens/expire", {})


@operation("world", 2)
def calm(life: Life) -> None:
    """End all faults."""
    life.world.without_faults()


def _nth(
    number: int, act: Callable[[], None], only: Callable[[Any], bool] = lambda _: True
) -> Callable[[Any], None]:
    left = [number]

    def count(request: Any) -> None:
        if only(request):
            left[0] -= 1
            if left[0] == 0:
                act()

    return count


def writes_of(life: Life) -> Callable[[Request], bool]:
    """Return whether a request changes something at either system."""
    kinds = [KINDS[kind].writes for kind in life.world.pair]

    return lambda request: any(writes.match(request) for writes in kinds)
