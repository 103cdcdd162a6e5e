"""What the webhook endpoint takes and answers, as models from which FastAPI generates its OpenAPI.

Requests are verified over their raw bytes and parsed by the connectors, so the models of events
describe and don't validate; tests/orchestration/webhooks/test_fuzz.py holds the endpoint to them.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, TypeAdapter

Json: TypeAlias = dict[str, Any]
RecordId: TypeAlias = (
    Annotated[int, Field(ge=0, le=2**63 - 1)]
    | Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
)
Producer: TypeAlias = Annotated[
    str, Field(description="stores/ and the hash of the connection's store.")
]


class OrderData(BaseModel):
    """The order that an event is about; one without an id is acknowledged, and not stored."""

    id: RecordId | None = None


class TransactionData(BaseModel):
    """The order whose payment an event is about."""

    order_id: RecordId | None = None


class MetafieldData(BaseModel):
    """The order whose metafield an event is about."""

    resource_id: RecordId | None = None


class ShipmentData(BaseModel):
    """The order of the shipment that an event is about."""

    orderId: RecordId | None = None  # noqa: N815 - the store's name


class OrderEvent(BaseModel):
    """A store's event about an order."""

    scope: Annotated[str, Field(pattern=r"^store/order/(created|updated|archived|statusUpdated)$")]
    producer: Producer
    data: OrderData


class OrderPartEvent(BaseModel):
    """A store's event about a message or a refund of an order."""

    scope: Annotated[str, Field(pattern=r"^store/order/(message|refund)/[A-Za-z]{1,60}$")]
    producer: Producer
    data: OrderData


class TransactionEvent(BaseModel):
    """A store's event about a payment of an order."""

    scope: Annotated[str, Field(pattern=r"^store/order/transaction/[A-Za-z]{1,60}$")]
    producer: Producer
    data: TransactionData


class MetafieldEvent(BaseModel):
    """A store's event about a metafield of an order."""

    scope: Annotated[str, Field(pattern=r"^store/order/metafield/[A-Za-z]{1,60}$")]
    producer: Producer
    data: MetafieldData


class ShipmentEvent(BaseModel):
    """A store's event about a shipment."""

    scope: Annotated[str, Field(pattern=r"^store/shipment/[A-Za-z/*]{1,70}$")]
    producer: Producer
    data: ShipmentData


class OtherEvent(BaseModel):
    """A store's event that no stream reads: acknowledged, not stored."""

    scope: Annotated[
        str,
        Field(
            pattern=r"^store/(app|cart|category|customer|information|inventory|product|sku|subscriber)"
            r"/[A-Za-z0-9_./-]{1,60}$"
        ),
    ]
    producer: Producer
    data: Json


class Answer(BaseModel):
    """Base of all answers: no field but the declared ones."""

    model_config = ConfigDict(extra="forbid")


class Acknowledged(Answer):
    """The events are stored."""

    events: Annotated[
        NonNegativeInt, Field(description="Events in the body that a stream can use.")
    ]
    stored: Annotated[NonNegativeInt, Field(description="Those that had not come before.")]


class Refused(Answer):
    """Base of the answers to refused requests."""

    status: ClassVar[int]

    error: str
    detail: str


class Interrupted(Refused):
    """The body was not sent to its end."""

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
        Interrupted, Unverified, OtherStore, Unknown, Slow, Oversized, Malformed, Unavailable,
    )
}  # fmt: skip
HEADERS = {
    "webhook-id": "The message's id, equal for each repetition.",
    "webhook-timestamp": "Unix time in whole seconds, at most five minutes from now.",
    "webhook-signature": "v1, and the HMAC-SHA256 of id.timestamp.body in base64.",
}
"""Headers of Standard Webhooks; an HMAC scheme has the headers of its configuration."""
_EVENT = TypeAdapter(
    OrderEvent | OrderPartEvent | TransactionEvent | MetafieldEvent | ShipmentEvent | OtherEvent
).json_schema(ref_template="#/components/schemas/{model}")
EVENT_COMPONENTS: Json = _EVENT.pop("$defs")
SIGNED_BODY: Json = {
    "parameters": [
        {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
        for name, text in HEADERS.items()
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": _EVENT}}},
}
"""Added to the operation: FastAPI would read and parse a declared body before it is verified."""
