"""Tests of what the model takes for a write: faults of writes must not be spent on reads."""

from __future__ import annotations

import orjson
import pytest

from sandbox.system import Request
from tests.model.systems import KINDS

DATA = "/services/data/v66.0"


def composite(*methods: str) -> bytes:
    """Return a composite of requests, as the connector writes it."""
    parts = [{"method": method, "url": f"{DATA}/query"} for method in methods]
    return orjson.dumps({"compositeRequest": parts})


@pytest.mark.parametrize(
    ("method", "path", "body", "is_write"),
    [
        ("POST", "/composite", composite("GET", "GET"), False),
        ("POST", "/composite", composite("GET", "PATCH"), True),
        ("POST", "/composite", composite("POST"), True),
        ("POST", "/composite/sobjects/Order", b'{"ids":[]}', False),
        ("PATCH", "/composite/sobjects/Stock__c/Key__c", b"{}", True),
        ("GET", "/composite", b"", False),
    ],
)
def test_a_call_of_salesforce_that_only_reads_is_no_write(method, path, body, is_write):
    """The probe is a composite of queries, and records are read by their ids with a POST."""
    request = Request(method, DATA + path, {}, {}, body)
    assert KINDS["salesforce"].writes.match(request) is is_write
