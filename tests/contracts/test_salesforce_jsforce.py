"""``jsforce``, which is not ours, drives the simulated org from Node, in one process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sandbox.app import RunningSandbox
from tests import loopback
from tests.contracts import commercetools_mock
from tests.rsa_keys import pem_of, public_pem_of
from tests.sandbox.simulated_org import an_order

Json = dict[str, Any]
SCRIPT = Path(__file__).parent / "npm" / "jsforce.mjs"


@pytest.fixture(scope="module")
def seen(sandbox: RunningSandbox) -> Json:
    """Return what the client saw of an org with five orders, three rows a page."""
    node, installed = commercetools_mock.needs_mock(), commercetools_mock.INSTALLED
    if not (installed / "node_modules" / "jsforce").is_dir():
        pytest.skip("needs jsforce (make commercetools-mock installs it)")
    name = f"o{uuid4().hex[:10]}"
    with loopback.client(f"{sandbox.url}/_sandbox/salesforce/{name}") as control:
        orders = [an_order(str(number)) for number in range(1001, 1006)]
        ids = control.post("/orders", json=orders).raise_for_status().json()["ids"]
        settings = {"public_key": public_pem_of(), "page": 3}
        control.post("/settings", json=settings).raise_for_status()
    job = {
        "url": f"{sandbox.url}/salesforce/{name}",
        "secret": f"sandbox-secret-{name}",
        "key": pem_of(),
        "ended": "ended",
        "orders": ids,
    }
    done = subprocess.run(
        [node, str(SCRIPT), str(installed)],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found: Json = json.loads(done.stdout)
    return found


def codes(seen: Json, *names: str) -> list[str]:
    """Return the codes of refusals."""
    return [seen[name]["code"] for name in names]


def test_it_gets_tokens_by_both_flows(seen: Json) -> None:
    """And the instance's address with them."""
    assert "/salesforce/o" in seen["signed"]
    assert codes(seen, "notApproved", "wrongSecret", "ended") == [
        "invalid_grant",
        "invalid_client",
        "INVALID_SESSION_ID",
    ]
    assert seen["notApproved"]["message"] == "user hasn't approved this consumer"


def test_it_fetches_all_pages(seen: Json) -> None:
    """By the locators that it takes from the answers."""
    assert seen["first"] == {"total": 5, "done": False, "rows": 3}
    assert seen["numbers"] == ["1001", "1002", "1003", "1004", "1005"]
    assert (seen["children"], seen["found"]) == (3, ["1003"])


def test_it_reads_the_days_calls_from_each_answer(seen: Json) -> None:
    """As the connector does."""
    assert seen["limit"]["limit"] == seen["limits"] > 0
    assert 0 < seen["limit"]["used"] < 20


def test_it_upserts_by_an_external_id(seen: Json) -> None:
    """Made once, then changed."""
    assert seen["upserts"] == [
        {"success": True, "created": True},
        {"success": True, "created": False},
    ]
    assert (seen["same"], seen["tracking"]) == (True, "T1")


def test_it_works_with_collections(seen: Json) -> None:
    """Of up to 200 rows, each with its own result."""
    assert seen["created"] == 205
    assert seen["updated"] == [True, "INVALID_FIELD"]
    assert seen["read"] == ["Changed", None]
    assert set(seen["whole"]) == {"ALL_OR_NONE_OPERATION_ROLLED_BACK", "NOT_FOUND"}
    assert (seen["destroyed"], seen["left"]) == (200, 5)


def test_it_works_with_jobs(seen: Json) -> None:
    """A file of rows, each with its own result, and a query as a stream."""
    assert (seen["loaded"], seen["notLoaded"]) == (
        ["true", "false"],
        ["INVALID_CROSS_REFERENCE_KEY"],
    )
    assert seen["notSeen"] == 0
    assert seen["streamed"] == seen["numbers"]
    assert codes(seen, "noJob") == ["NOT_FOUND"]


def test_it_reads_descriptions_and_refusals(seen: Json) -> None:
    """By the codes of the vendor's error lists."""
    assert (seen["objects"], seen["external"]) == (True, ["Lockstep_Key__c"])
    assert codes(seen, "missing", "malformed", "noField", "required") == [
        "NOT_FOUND",
        "MALFORMED_QUERY",
        "INVALID_FIELD",
        "REQUIRED_FIELD_MISSING",
    ]
