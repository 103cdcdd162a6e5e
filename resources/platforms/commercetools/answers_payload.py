"""What a project answers besides its orders: exactly the fields that are read.

Source: openapi.yaml, raml/types/{inventory,channel,order,error}.
"""

from __future__ import annotations

from domain.parsing.payload import PayloadAdvice, PayloadDecoder, Scalar
from resources.platforms.commercetools.base_payload import Camel, Names, Reference, Text, Whole
from resources.platforms.commercetools.payload import Order, Payment

_REPORT = "report the answer: it breaks the API's contract"
ANSWER_ADVICE = PayloadAdvice(unreadable=_REPORT, malformed=_REPORT)


class Entry(Camel):
    """An inventory entry: the stock of one SKU at one supply channel, or at none."""

    id: Text = None
    version: Whole = None
    sku: Text = None
    supply_channel: Reference | None = None
    quantity_on_stock: Whole = None
    available_quantity: Whole = None


class WorkflowState(Camel):
    """A state of a workflow: of orders or line items, among others."""

    id: Text = None
    key: Text = None
    type: Text = None


class Channel(Camel):
    """A channel; those with the role ``InventorySupply`` hold stock."""

    id: Text = None
    key: Text = None
    roles: list[str] | None = None


class Variant(Camel):
    """A variant of a product."""

    id: Scalar = None
    sku: Scalar = None


class Product(Camel):
    """A product's published data with its variants."""

    id: Text = None
    name: Names = None
    master_variant: Variant | None = None
    variants: list[Variant | None] | None = None


class Messages(Camel):
    """Whether the project records messages."""

    enabled: bool | None = None


class InventoryConfiguration(Camel):
    """How long a cart's reservation lasts; without it carts reserve no stock."""

    reservation_expiration_in_minutes: Whole = None


class Project(Camel):
    """The project's settings."""

    key: Text = None
    name: Text = None
    languages: list[str] | None = None
    messages: Messages | None = None
    inventory: InventoryConfiguration | None = None


class ErrorEntry(Camel):
    """One error of an answer."""

    code: Text = None
    message: Text = None


class ErrorAnswer(Camel):
    """What is answered instead of a resource."""

    errors: list[ErrorEntry | None] | None = None


ENTRIES = PayloadDecoder(Entry, "an inventory entry", ANSWER_ADVICE)
WORKFLOW_STATES = PayloadDecoder(WorkflowState, "a state", ANSWER_ADVICE)
CHANNELS = PayloadDecoder(Channel, "a channel", ANSWER_ADVICE)
PRODUCTS = PayloadDecoder(Product, "a product", ANSWER_ADVICE)
PROJECTS = PayloadDecoder(Project, "a project", ANSWER_ADVICE)
ERRORS = PayloadDecoder(ErrorAnswer, "an error", ANSWER_ADVICE)
HELD_ORDERS = PayloadDecoder(Order, "an order", ANSWER_ADVICE)
"""Orders as they are read before a write: what can't be read of them stops the write."""
HELD_PAYMENTS = PayloadDecoder(Payment, "a payment", ANSWER_ADVICE)
