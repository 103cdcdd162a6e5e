"""What the webhook endpoint takes and answers, as models from which FastAPI generates its OpenAPI.

Requests are verified over their raw bytes and parsed by the connectors, whose models of events
describe and don't validate; tests/orchestration/webhooks/test_fuzz.py holds the endpoint to them.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, TypeAdapter

from resources import oms, platforms

Json: TypeAlias = dict[str, Any]


class Answer(BaseModel):
    """Base of all answers: no field but the declared ones."""

    model_config = ConfigDict(extra="forbid")


class Acknowledged(Answer):
    """The events are stored."""

    events: Annotated[
        NonNegativeInt, Field(description="Events in the body that a stream can use.")
    ]
    stored: Annotated[NonNegativeInt, Field(description="Those that had not been received before.")]


class Refused(Answer):
    """Base of the answers to refused requests."""

    status: ClassVar[int]

    error: str
    detail: str


class Interrupted(Refused):
    """The body is incomplete."""

    status = 400

    error: Literal["broken off"]


class Unverified(Refused):
    """The signature is missing, too old, too far ahead, or does not match."""

    status = 401

    error: Literal["unsigned", "stale", "forged"]


class OtherStore(Refused):
    """The signature matches, but the webhook is of another store than the connection's."""

    status = 403

    error: Literal["foreign"]


class Unknown(Refused):
    """No such connection, or it receives no webhooks of this system."""

    status = 404

    error: Literal["unknown"]


class Slow(Refused):
    """The body did not come in time."""

    status = 408

    error: Literal["slow"]


class Oversized(Refused):
    """The body is too large."""

    status = 413

    error: Literal["oversized"]


class Malformed(Refused):
    """The signature matches, but the body does not have the documented shape."""

    status = 422

    error: Literal["malformed"]


class Unavailable(Refused):
    """The events could not be stored; send them again."""

    status = 503

    error: Literal["unavailable"]


class Healthy(Answer):
    """Webhooks can be stored."""

    status: Literal["ok"]
    detail: str
    refused: Annotated[
        dict[str, NonNegativeInt], Field(description="Refusals since the start, by reason.")
    ]


class Unhealthy(Answer):
    """The database can't be used."""

    status: Literal["unavailable"]
    detail: str
    refused: dict[str, NonNegativeInt]


class Description(BaseModel):
    """OpenAPI 3.1."""

    openapi: str
    info: Json
    paths: Json


REFUSALS: dict[int | str, Json] = {
    model.status: {"model": model, "description": model.__doc__}
    for model in (
        Interrupted,
        Unverified,
        OtherStore,
        Unknown,
        Slow,
        Oversized,
        Malformed,
        Unavailable,
    )
}
HEADERS = {
    "webhook-id": "The message's id, equal for each repetition.",
    "webhook-timestamp": "Unix time in whole seconds, at most five minutes from now.",
    "webhook-signature": "v1, and the HMAC-SHA256 of id.timestamp.body in base64.",
}
"""Headers of Standard Webhooks; an HMAC scheme has the headers of its configuration."""
_MODELS: list[Any] = [
    model
    for registry in (platforms.REGISTRY, oms.REGISTRY)
    for connector in registry.values()
    for model in connector.event_models
]
_EVENT = TypeAdapter(reduce(or_, _MODELS)).json_schema(ref_template="#/components/schemas/{model}")
EVENT_COMPONENTS: Json = _EVENT.pop("$defs")
SIGNED_BODY: Json = {
    "parameters": [
        {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
        for name, text in HEADERS.items()
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": _EVENT}}},
}
"""Added to the operation: FastAPI would read and parse a declared body before it is verified."""
