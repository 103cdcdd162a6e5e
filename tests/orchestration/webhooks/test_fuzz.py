"""The webhook endpoint against its own OpenAPI, by generated requests, unsigned and signed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis import Case, GenerationMode

from orchestration.webhooks.app import build_app
from tests.orchestration.webhooks.senders import NAME, STORE, listening, pushed, served, signed

pytestmark = pytest.mark.slow

EXAMPLES = 30
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
TAKE = "/hooks/{connection}/{system}"


class Signer(AuthBase):
    """Signs each request as the system of its path does."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the headers of the scheme."""
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else body
        request.headers.update(
            pushed(raw) if (request.path_url or "").endswith("/oms") else signed(raw)
        )
        return request


def sent(operation: Any, mode: GenerationMode, **more: Any) -> Counter[int]:
    """Send generated requests, check each response against the OpenAPI, count the statuses."""
    statuses: Counter[int] = Counter()

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
    )
    def send(case: Case) -> None:
        answer = case.call(**more)
        statuses[answer.status_code] += 1
        case.validate_response(answer)

    send()
    return statuses


@pytest.mark.parametrize("mode", MODES)
def test_unsigned_requests_get_documented_answers(
    database: str, tmp_path: Path, mode: GenerationMode
) -> None:
    """No crash, and no undocumented status or body; nothing is stored."""
    with served(build_app(listening(tmp_path), database), database) as server:
        schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        assert not {200, 500} & set(sent(schema[TAKE]["POST"], mode))
        if mode is GenerationMode.POSITIVE:
            assert set(sent(schema["/health"]["GET"], mode)) == {200}
            assert set(sent(schema["/openapi.json"]["GET"], mode)) == {200}
        assert server.stored() == []


@pytest.mark.parametrize("mode", MODES)
def test_signed_requests_get_documented_answers(
    database: str, tmp_path: Path, mode: GenerationMode
) -> None:
    """The same with valid signatures, where bodies are parsed and stored."""
    app = build_app(listening(tmp_path), database)
    described = app.openapi()
    post = described["paths"][TAKE]["post"]
    post["parameters"] = [
        {
            "name": "connection",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "enum": [NAME]},
        },
        {
            "name": "system",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "enum": ["platform"]},
        },
    ]
    for shape in post["requestBody"]["content"]["application/json"]["schema"]["anyOf"]:
        model = described["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
        model["properties"]["producer"] = {"enum": [f"stores/{STORE}"]}
    with served(app, database) as server:
        statuses = sent(
            schemathesis.openapi.from_dict(described)[TAKE]["POST"],
            mode,
            base_url=server.url,
            auth=Signer(),
        )
    assert not {500, 503} & set(statuses)
    assert set(statuses) == {200} if mode is GenerationMode.POSITIVE else 422 in statuses
