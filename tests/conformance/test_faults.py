"""Both ports under faults: whose fault it is, what is retried, and that no secret appears."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest

from domain.errors import LockstepError, PermanentError, TransientError
from domain.exchange import Exchange
from domain.ports import OrderManagementSystem
from domain.values import Window
from resources.http.retries import RetryPolicy
from tests.conformance.calls import Calls, opened
from tests.conformance.systems import DAY, Simulated, SimulatedOms, SimulatedStore
from tests.conformance.test_reading import HOUR, read
from tests.conformance.test_store_writing import CORRELATION, NUMBER

# The same few paths for every system and stream: tracing them would take as long again.
pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

WINDOW = Window(DAY, DAY + HOUR)


def shown(error: BaseException) -> str:
    """Return everything that a log would show of an error, including its causes."""
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("status", [401, 403])
def test_refused_access_is_permanent_and_has_advice(system: Simulated, status: int) -> None:
    """No record is at fault, and a retry would not help."""
    connector = system.open()
    system.fault(kind="status", status=status, path=system.reads)
    with pytest.raises(PermanentError) as raised:
        list(system.fetch(connector, WINDOW))
    assert str(status) in str(raised.value)
    assert ";" in str(raised.value), "the message ends with advice"


def test_a_wrong_secret_is_permanent_and_does_not_appear(
    system: Simulated, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in the message, its causes, a log line, or the connector's ``repr``."""
    caplog.set_level(logging.DEBUG)
    connector = system.open(wrong_secret=True)
    with pytest.raises(PermanentError) as raised:
        list(system.fetch(connector, WINDOW))
    checks = system.preflight(connector)
    assert not all(check.ok for check in checks)
    output = (
        shown(raised.value) + caplog.text + repr(connector) + repr(vars(connector)) + repr(checks)
    )
    assert not [secret for secret in system.secrets() if secret in output]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_system_is_retried(system: Simulated, status: int) -> None:
    """After the time that it asks for; then the window is complete."""
    [placed] = system.place([DAY])
    system.fault(
        kind="status", status=status, headers={"Retry-After": "0"}, path=system.reads, times=3
    )
    assert [record.source_id for record in read(system, WINDOW)] == [placed]


@pytest.mark.parametrize("kind", ["malformed", "truncated", "drop_before", "drop_after"])
def test_a_read_with_an_unreadable_answer_is_retried(system: Simulated, kind: str) -> None:
    """After a lost connection or half a page no record is lost or doubled."""
    placed = system.place([DAY, DAY + HOUR / 2])
    system.fault(kind=kind, path=system.reads, times=2)
    assert [record.source_id for record in read(system, WINDOW)] == placed


def test_a_system_that_stays_down_is_transient(
    system: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later run may find it available again."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, _failures: 0.0)
    connector = system.open()
    system.fault(kind="status", status=503, path=system.reads)
    with pytest.raises(TransientError):
        list(system.fetch(connector, WINDOW))


def test_a_healthy_system_passes_the_preflight(system: Simulated) -> None:
    """Every check passes, has a name of its own and details."""
    checks = system.preflight(system.open())
    assert [check for check in checks if not check.ok] == []
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.detail for check in checks)


def test_the_preflight_names_each_failure_with_advice(system: Simulated) -> None:
    """A refused call fails the check of its part, with advice."""
    for path, part in system.parts.items():
        connector = system.open()
        system.fault(kind="status", status=403, path=path)
        failed = [check for check in system.preflight(connector) if not check.ok]
        assert any(part in check.name for check in failed), path
        assert all(check.detail and check.advice for check in failed), path


def test_the_preflight_changes_nothing(system: Simulated) -> None:
    """It may be run against a live system at any time.

    Besides reads it makes only writes to records that do not exist, which are refused.
    """
    system.place([DAY])
    connector = system.open()
    system.exchanges.clear()
    system.preflight(connector)
    said = [
        request
        for request, answer in system.exchanges
        if request.method not in ("GET", "HEAD") and answer.status < 400
    ]
    assert all(
        any(word in request.path for word in ("search", "token", "login", "availability"))
        for request in said
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_write_that_is_refused_access_stops_the_batch(system: Simulated, status: int) -> None:
    """No record is at fault."""

    async def write() -> None:
        if isinstance(system, SimulatedStore):
            [order_id] = system.place([DAY])
            async with opened(system.open(), _log) as writer:
                system.fault(kind="status", status=status, method="POST")
                await writer.create_shipment(system.parcel(order_id, NUMBER), CORRELATION)
        elif isinstance(system, SimulatedOms):
            connector = system.open()
            async with opened(connector, _log) as writer:
                system.fault(kind="status", status=status, path=system.saves)
                await writer.save_order(
                    connector.targets["orders"].payload(system.order(1)), CORRELATION, is_new=True
                )

    with pytest.raises(PermanentError):
        asyncio.run(write())


def test_a_writers_errors_and_log_show_no_secret(
    writable: Simulated, caplog: pytest.LogCaptureFixture
) -> None:
    """Even where the system repeats the credentials that it was sent."""
    system = writable
    caplog.set_level(logging.DEBUG)
    log: list[Exchange] = []
    body = {
        "title": f"bad request with {system.secrets()[0]}",
        "message": f"token {system.secrets()[-1]} is unknown",
    }

    async def write() -> None:
        if isinstance(system, SimulatedStore):
            async with opened(system.open(), log.append) as writer:
                [order_id] = system.place([DAY])
                system.fault(
                    kind="status", status=400, method=system.changes, path=system.writes, body=body
                )
                await writer.put_status(order_id, next(iter(system.statuses)), CORRELATION)
        elif isinstance(system, SimulatedOms):
            connector = system.open()
            async with opened(connector, log.append) as writer:
                system.fault(kind="status", status=400, path=system.saves, body=body)
                await writer.save_order(
                    connector.targets["orders"].payload(system.order(1)), CORRELATION, is_new=True
                )

    with pytest.raises(LockstepError) as raised:
        asyncio.run(write())
    assert log
    output = shown(raised.value) + caplog.text + repr(log)
    assert not [secret for secret in system.secrets() if secret in output]


def test_many_writes_whose_token_is_refused_together_fetch_few_tokens(tenant: SimulatedOms) -> None:
    """A token that is revoked during forty calls is replaced once or twice, not forty times."""
    if not any("token" in path for path in tenant.parts):
        pytest.skip(f"{tenant.kind} has keys that are never renewed")

    async def use(writer: Calls, connector: OrderManagementSystem) -> None:
        await writer.save_order(
            connector.targets["orders"].payload(tenant.order(1)), CORRELATION, is_new=True
        )
        tenant.exchanges.clear()
        tenant.fault(kind="status", status=401, path=tenant.saves, times=4)
        saves = [
            writer.save_order(
                connector.targets["orders"].payload(tenant.order(n)), CORRELATION, is_new=True
            )
            for n in range(2, 42)
        ]
        assert len(await asyncio.gather(*saves)) == 40

    asyncio.run(tenant.write([], use))
    asked = [request for request, _ in tenant.exchanges if "token" in request.path]
    assert len(asked) <= 2


def _log(_: Exchange) -> None:
    """Ignore an exchange."""
