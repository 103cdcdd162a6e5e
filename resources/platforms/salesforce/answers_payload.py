"""What an org answers besides its orders: exactly the fields that are read.

Source: api_rest (query, composite, sObject collections), chatterapi (Omnichannel Inventory).
"""

from __future__ import annotations

import msgspec

from domain.parsing.payload import PayloadAdvice, PayloadDecoder
from resources.platforms.salesforce.payload import Order, Pascal, Text

_REPORT = "report the answer: it breaks the API's contract"
ANSWER_ADVICE = PayloadAdvice(unreadable=_REPORT, malformed=_REPORT)


class ErrorEntry(msgspec.Struct):
    """One error: ``errorCode`` of a call, ``statusCode`` of a row."""

    errorCode: str = ""  # noqa: N815 - the vendor's name
    statusCode: str = ""  # noqa: N815
    message: str = ""


class Result(msgspec.Struct):
    """A page of a query's result."""

    done: bool
    records: list[msgspec.Raw]
    nextRecordsUrl: str = ""  # noqa: N815


class Part(msgspec.Struct):
    """The answer to one request of a composite."""

    body: msgspec.Raw
    httpStatusCode: int  # noqa: N815
    referenceId: str  # noqa: N815


class Composite(msgspec.Struct):
    """The answers to a composite's requests, in their order."""

    compositeResponse: list[Part]  # noqa: N815


class Row(msgspec.Struct):
    """The result of one row of a collection, or of one record's upsert."""

    success: bool
    id: str | None = None
    errors: list[ErrorEntry] = []


class StockError(msgspec.Struct):
    """An error of Omnichannel Inventory."""

    errorCode: str = ""  # noqa: N815
    message: str = ""


class StockAnswer(msgspec.Struct):
    """The answer to a batch of levels."""

    success: bool
    errors: list[StockError] = []


class Level(msgspec.Struct):
    """The stock of one SKU at a location."""

    stockKeepingUnit: str  # noqa: N815
    availableToFulfill: float  # noqa: N815
    onHand: float = 0.0  # noqa: N815
    exists: bool = True
    """Whether the org has a record of it."""


class LocationLevels(msgspec.Struct):
    """The levels at one location."""

    locationIdentifier: str  # noqa: N815
    inventoryRecords: list[Level] = []  # noqa: N815


class Availability(msgspec.Struct):
    """The levels of SKUs at locations."""

    locations: list[LocationLevels]


class Location(Pascal):
    """A location; stock is addressed by its external reference."""

    id: Text = None
    external_reference: Text = None


class Described(msgspec.Struct):
    """A field of an object, as the org describes it."""

    name: str
    createable: bool = False
    updateable: bool = False
    externalId: bool = False  # noqa: N815
    unique: bool = False


class Description(msgspec.Struct):
    """An object, as the org describes it."""

    fields: list[Described]


ERRORS = msgspec.json.Decoder(list[ErrorEntry])
RESULTS = msgspec.json.Decoder(Result)
COMPOSITES = msgspec.json.Decoder(Composite)
ROWS = msgspec.json.Decoder(list[Row])
ROW = msgspec.json.Decoder(Row)
STOCK_ANSWERS = msgspec.json.Decoder(StockAnswer)
AVAILABILITIES = msgspec.json.Decoder(Availability)
DESCRIPTIONS = msgspec.json.Decoder(Description)
LOCATIONS = PayloadDecoder(Location, "a location", ANSWER_ADVICE)
HELD_ORDERS = PayloadDecoder(Order, "an order summary", ANSWER_ADVICE)
"""Orders as they are read before a write: what can't be read of them stops the write."""
