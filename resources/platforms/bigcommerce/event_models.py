"""The store's events as models, from which the webhook endpoint's OpenAPI is generated.

They describe and don't validate: ``events.py`` parses what is received.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, Field

RecordId: TypeAlias = (
    Annotated[int, Field(ge=0, le=2**63 - 1)]
    | Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
)
EmptyObject: TypeAlias = Annotated[list[Any], Field(max_length=0)]
"""As the store writes an object without attributes."""
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


class CustomerData(BaseModel):
    """The customer that an event is about."""

    id: RecordId | None = None


class AddressOwner(BaseModel):
    """Whose address it is."""

    customer_id: RecordId | None = None


class AddressData(BaseModel):
    """The address that an event is about, and whose it is."""

    address: AddressOwner | EmptyObject | None = None


class CustomerEvent(BaseModel):
    """A store's event about a customer."""

    scope: Annotated[str, Field(pattern=r"^store/customer/(created|updated|deleted)$")]
    producer: Producer
    data: CustomerData


class CustomerAddressEvent(BaseModel):
    """A store's event about an address of a customer."""

    scope: Annotated[str, Field(pattern=r"^store/customer/address/(created|updated|deleted)$")]
    producer: Producer
    data: AddressData


class OtherEvent(BaseModel):
    """A store's event that no stream reads: acknowledged, not stored."""

    scope: Annotated[
        str,
        Field(
            pattern=r"^store/(app|cart|category|information|inventory|product|sku|subscriber)"
            r"/[A-Za-z0-9_./-]{1,60}$"
        ),
    ]
    producer: Producer
    data: dict[str, Any]


EVENT_MODELS = (
    OrderEvent,
    OrderPartEvent,
    TransactionEvent,
    MetafieldEvent,
    ShipmentEvent,
    CustomerEvent,
    CustomerAddressEvent,
    OtherEvent,
)
