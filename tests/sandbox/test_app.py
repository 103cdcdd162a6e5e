"""The sandbox server: mounting, faults, snapshots, the command."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import HOST, running_sandbox

ORDER = {
    "products": [{"sku": "A", "price_ex_tax": "10.00"}],
    "shipping_addresses": [{"city": "Austin"}],
}
API = "/bigcommerce/acme/stores/acme"
CONTROL = "/_sandbox/bigcommerce/acme"
TOKEN = {"X-Auth-Token": "sandbox-token-acme"}


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """One server for the module."""
    with running_sandbox() as sandbox:
        yield sandbox.url


@pytest.fixture
def client(base: str) -> Iterator[httpx.Client]:
    """A client; faults of the previous test are cleared."""
    with httpx.Client(base_url=base, timeout=60) as client:
        client.delete(f"{CONTROL}/faults")
        yield client


def _fault(client: httpx.Client, **rule: Any) -> None:
    client.post(f"{CONTROL}/faults", json=[rule]).raise_for_status()


def _time(client: httpx.Client) -> httpx.Response:
    return client.get(f"{API}/v2/time", headers=TOKEN)


def _orders(client: httpx.Client) -> int:
    return int(client.get(f"{CONTROL}/counts").json()["orders"])


def _new_order(client: httpx.Client) -> httpx.Response:
    body = {
        "products": [{"name": "A", "quantity": 1, "price_inc_tax": 1, "price_ex_tax": 1}],
        "billing_address": {"zip": "1"},
    }
    return client.post(f"{API}/v2/orders", headers=TOKEN, json=body)


def test_it_listens_on_the_loopback_only(base: str) -> None:
    """The sandbox can't be reached from another machine."""
    assert base.startswith(f"http://{HOST}:")


def test_an_unknown_system_or_instance_name_is_not_found(client: httpx.Client) -> None:
    """A mistyped path is a 404 and creates no instance."""
    assert client.get("/shopware/acme/orders").status_code == 404
    assert client.get("/bigcommerce/a%20b/x").status_code == 404
    assert client.get("/_sandbox/nothing").status_code == 404


def test_health_names_the_instances_in_use(client: httpx.Client) -> None:
    """Instances appear on first use."""
    _time(client)
    assert "bigcommerce/acme" in client.get("/_sandbox/health").json()["instances"]


def test_a_status_fault_answers_in_place_of_the_system(client: httpx.Client) -> None:
    """The rule's status, headers and body are sent, as often as ``times``."""
    _fault(
        client,
        kind="status",
        method="GET",
        path="/time$",
        status=429,
        headers={"Retry-After": "1"},
        body={"a": 1},
        times=2,
    )
    answers = [_time(client) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert (answers[0].headers["retry-after"], answers[0].json()) == ("1", {"a": 1})


def test_skip_lets_the_first_requests_through(client: httpx.Client) -> None:
    """A rule can hit the n-th request, which kill tests need."""
    _fault(client, kind="status", status=500, path="/time", skip=2, times=1)
    assert [_time(client).status_code for _ in range(4)] == [200, 200, 500, 200]
    [rule] = client.get(f"{CONTROL}/faults").json()
    assert (rule["seen"], rule["hits"]) == (4, 1)


def test_a_method_and_a_path_narrow_a_fault(client: httpx.Client) -> None:
    """A rule hits only requests that match its method and path."""
    _fault(client, kind="status", status=503, method="POST", path="/orders$")
    assert _time(client).status_code == 200
    assert _new_order(client).status_code == 503


def test_probability_follows_its_seed(client: httpx.Client) -> None:
    """The same seed hits the same requests."""
    seen = []
    for _ in range(2):
        client.delete(f"{CONTROL}/faults")
        _fault(client, kind="status", status=500, probability=0.5, seed=7)
        seen.append([_time(client).status_code for _ in range(12)])
    assert seen[0] == seen[1]
    assert set(seen[0]) == {200, 500}


def test_drop_before_loses_the_request(client: httpx.Client) -> None:
    """The connection closes and there was no effect."""
    before = _orders(client)
    _fault(client, kind="drop_before", method="POST", times=1)
    with pytest.raises(httpx.TransportError):
        _new_order(client)
    assert _orders(client) == before


def test_drop_after_loses_only_the_answer(client: httpx.Client) -> None:
    """The connection closes although the effect happened."""
    before = _orders(client)
    _fault(client, kind="drop_after", method="POST", times=1)
    with pytest.raises(httpx.TransportError):
        _new_order(client)
    assert _orders(client) == before + 1


def test_a_delay_waits_and_then_answers(client: httpx.Client) -> None:
    """A delayed answer is still correct, and a later rule still applies."""
    _fault(client, kind="delay", delay_ms=120, times=1)
    started = time.monotonic()
    assert _time(client).status_code == 200
    assert time.monotonic() - started >= 0.12


def test_bodies_can_be_corrupted(client: httpx.Client) -> None:
    """Malformed and truncated bodies are not JSON; wrong types are JSON with texts for numbers."""
    for kind in ("malformed", "truncated"):
        _fault(client, kind=kind, times=1)
        with pytest.raises(ValueError, match=r"."):
            _time(client).json()
    _fault(client, kind="wrong_types", times=1)
    assert isinstance(_time(client).json()["time"], str)


def test_an_invalid_fault_rule_is_refused(client: httpx.Client) -> None:
    """A typing error in a test fails immediately."""
    assert client.post(f"{CONTROL}/faults", json=[{"kind": "explode"}]).status_code == 400
    assert (
        client.post(f"{CONTROL}/faults", json=[{"kind": "delay", "dellay": 1}]).status_code == 400
    )


def test_a_snapshot_restores_the_state(tmp_path: Path) -> None:
    """A sandbox that was closed continues where it stopped."""
    with running_sandbox(tmp_path) as sandbox, httpx.Client(base_url=sandbox.url) as client:
        [number] = client.post(f"{CONTROL}/orders", json=[ORDER]).json()["ids"]
        client.post(f"{CONTROL}/catalog", json=[{"sku": "A"}])
        client.post(f"{CONTROL}/stock", json=[{"sku": "A", "location_id": 1, "quantity": 7}])
        before = [
            client.get(f"{API}/{path}", headers=TOKEN).json()
            for path in (f"v2/orders/{number}", "v3/inventory/items")
        ]
        assert client.post("/_sandbox/snapshot").json() == {"written": ["bigcommerce.acme.zst"]}
    with running_sandbox(tmp_path) as sandbox, httpx.Client(base_url=sandbox.url) as client:
        after = [
            client.get(f"{API}/{path}", headers=TOKEN).json()
            for path in (f"v2/orders/{number}", "v3/inventory/items")
        ]
        assert after == before
        assert client.post(f"{CONTROL}/orders", json=[ORDER]).json()["ids"] == [number + 1]


def test_the_command_prints_its_address_and_keeps_its_state(tmp_path: Path) -> None:
    """``python -m sandbox`` prints one line, and SIGTERM writes the snapshot."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--state", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("sandbox listening on http://127.0.0.1:")
        httpx.post(line.split()[-1] + f"{CONTROL}/orders", json=[ORDER]).raise_for_status()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["bigcommerce.acme.zst"]
