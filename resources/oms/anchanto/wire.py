"""The wire of an Anchanto account as data: paths, parameters, headers, field names and words.

Anchanto publishes no reference of its OMS's API. The shape is an assumption of ours
(``anchanto.v1``), and all of it is UNVERIFIED: so every name stands here once, and a connection
replaces it under ``oms.wire``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from domain.policies import Config

Path = Annotated[str, Field(pattern=r"^/")]
Renames: TypeAlias = dict[str, str | None]
DocumentName = Literal["login", "answer", "order", "shipment", "stock"]


class AnchantoPaths(Config):
    """Endpoints below ``base_url``; ``{number}`` is replaced by the order's."""

    login: Path = "/login"
    orders: Path = "/orders"
    order: Path = "/orders/{number}"
    cancel: Path = "/orders/{number}/cancel"
    shipments: Path = "/shipments"
    stocks: Path = "/stocks"


class AnchantoParams(Config):
    """Names of the query's parameters; ``null`` for one that the account does not have."""

    page: str = "page[number]"
    size: str = "page[size]"
    since: str = "filter[updated_at_from]"
    store: str | None = "store_code"
    """Restricts orders and shipments to the sales channel."""
    order_numbers: str | None = "filter[order_number][]"
    """The orders whose shipments are read. Without it shipments are listed from the time at which
    the oldest of the orders was created."""
    skus: str | None = "filter[sku][]"
    """The SKUs whose stock is read; without it all of the stock is."""


class AnchantoHeaders(Config):
    """The header with the token, and others that are sent with every request."""

    token: str = "Authorization"  # noqa: S105 - the name of a header
    token_prefix: str = ""
    """``"Bearer "`` where the account expects it before the token."""
    others: dict[str, str] = Field(default_factory=dict)
    """Such as a warehouse's code."""


class AnchantoFields(Config):
    """Names of fields that differ from those of ``payload.py`` and ``orders/mapping.py``.

    Our name -> the account's, by document; a field within another one is named with it, such as
    ``shipping_address.zipcode``. A field of a new order whose name is ``null`` is not sent.
    """

    login: Renames = Field(default_factory=dict)
    answer: Renames = Field(default_factory=dict)
    order: Renames = Field(default_factory=dict)
    shipment: Renames = Field(default_factory=dict)
    stock: Renames = Field(default_factory=dict)

    def name(self, document: DocumentName, name: str) -> str:
        """Return what a field is called at the account."""
        return self.of(document).get(name) or name

    def of(self, document: DocumentName) -> Renames:
        """Return the names of a document that differ."""
        found: Renames = getattr(self, document)
        return found

    def outgoing(self, document: DocumentName, value: object) -> object:
        """Return a document in the account's names."""
        renames = self.of(document)
        return _outgoing(value, renames) if renames else value

    def incoming(self, document: DocumentName, value: object) -> object:
        """Return a document in our names."""
        renames = self.of(document)
        return _incoming(value, renames) if renames else value


class AnchantoWords(Config):
    """Words of answers that are compared, by letters and digits only, in any case."""

    success: tuple[str, ...] = ("success",)
    duplicate: tuple[str, ...] = ("already been taken", "already exists", "duplicate")
    not_found: tuple[str, ...] = ("not found", "does not exist")


class AnchantoWire(Config):
    """All names of the API in one place."""

    paths: AnchantoPaths = AnchantoPaths()
    params: AnchantoParams = AnchantoParams()
    headers: AnchantoHeaders = AnchantoHeaders()
    fields: AnchantoFields = AnchantoFields()
    words: AnchantoWords = AnchantoWords()


def _outgoing(value: Any, renames: Renames, place: str = "") -> Any:
    if isinstance(value, Mapping):
        return {
            name: _outgoing(each, renames, f"{place}{key}.")
            for key, each in value.items()
            if (name := renames.get(f"{place}{key}", key)) is not None
        }
    if isinstance(value, list):
        return [_outgoing(each, renames, place) for each in value]
    return value


def _incoming(value: Any, renames: Renames, place: str = "") -> Any:
    if isinstance(value, Mapping):
        own = [path for path in renames if path.rpartition(".")[0] == place.removesuffix(".")]
        back = {renames[path]: path.rpartition(".")[2] for path in own}
        # What the account calls like a field of ours that has another name there is no such field.
        others = {path.rpartition(".")[2] for path in own} - back.keys()
        return {
            name: _incoming(each, renames, f"{place}{name}.")
            for key, each in value.items()
            if (name := back.get(key, key)) not in others or key in back
        }
    if isinstance(value, list):
        return [_incoming(each, renames, place) for each in value]
    return value
