"""Settings of an Anchanto connection, which is experimental: its API's shape is assumed.

What the vendor's guides do not confirm is marked UNVERIFIED below and listed in this folder's
README. The names of the API itself are in ``wire.py``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.identity import Identity, normalised_address
from domain.milestones import Milestone
from domain.policies import Config, SecretRef
from domain.records.catalog import ProductNeed
from resources.connector import SystemSettings
from resources.oms.anchanto.files.settings import AnchantoExchange
from resources.oms.anchanto.wire import AnchantoWire

Url = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, StringConstraints(pattern=r"^\S(.{0,80}\S)?$")]


class AnchantoSeller(Config):
    """Which orders go on to Anchanto's warehouse: those that the seller ships."""

    methods: tuple[str, ...] | None = None
    """The shipping methods, as the connection maps them, that the seller ships; ``null``: all.

    An order with any other is rejected: the marketplace ships it.
    """
    value: str = "seller"
    """Sent as ``shipped_via``."""


class AnchantoSettings(SystemSettings):
    """The ``oms`` section of a connection of kind ``anchanto``."""

    kind: Literal["anchanto"] = "anchanto"
    experimental: Literal[True]
    """To be set: the API's shape is assumed, and has to be compared with the account's own."""
    base_url: Url | Literal[""] = ""
    exchange: AnchantoExchange | None = None
    """Files through a folder instead of the API."""
    account: Name
    """A name of your own for the account: connections to it name it equally, and share its quota"""
    store_code: Name
    """The sales channel at Anchanto; an order's number is unique in it."""
    email: str = ""
    password: SecretRef | None = None
    token_lifetime: timedelta = timedelta(minutes=30)
    """UNVERIFIED: after how long a login is repeated; a refused token is renewed in any case."""
    requests_per_second: Count = 2
    """UNVERIFIED."""
    push_concurrency: Count = 2
    timeout: Annotated[float, Field(gt=0)] = 30.0
    page_size: Annotated[int, Field(ge=1, le=1000)] = 100
    sorted_lists: bool = False
    """UNVERIFIED: whether lists of orders are sorted by the time of change, the oldest first.

    A sorted list is left once it has passed the window, which makes reading old days cheap. One
    that is not would lose orders by that.
    """
    create_status: str = "New"
    """The status that a new order has at Anchanto."""
    statuses: dict[str, Milestone] = Field(default_factory=dict)
    """Anchanto's status of orders or shipments -> milestone, beside or instead of those of
    ``statuses.py``."""
    seller: AnchantoSeller = AnchantoSeller()
    item_uom: str = "EACH"
    """The unit of all SKUs: UNVERIFIED whether Anchanto states one."""
    snapshot_ttl: timedelta = timedelta(seconds=20)
    """How long a list of all stock serves further reads of the same run."""
    most_kept: Count = 50_000
    """Rows of such a list that are kept in memory; a longer one is read each time."""
    products_need: tuple[ProductNeed, ...] = ("sku", "tracking")
    """What each of the store's products must have before the connection is started."""
    wire: AnchantoWire = AnchantoWire()

    @model_validator(mode="after")
    def _has_one_way(self) -> Self:
        given = (bool(self.base_url), bool(self.email), self.password is not None)
        if self.exchange is not None and any(given):
            raise ValueError("base_url, email and password are of the API: remove them or exchange")
        if self.exchange is None and not all(given):
            raise ValueError("base_url, email and password are needed, or exchange")
        return self

    @property
    def identity(self) -> Identity:
        """Return the account's sales channel; the account's quota is shared by all of them."""
        account = self.account.casefold()
        if self.exchange is not None:
            address = f"files in {self.exchange.folder.resolve()}"
        else:
            address = normalised_address(self.base_url)
        return Identity(
            f"anchanto {address}, account {account}",
            # Files name orders by their numbers, so connections to one folder need own prefixes.
            self.store_code.casefold() if self.exchange is None else None,
            "sales channel",
            ids_ignore_case=True,
            bucket=f"anchanto:{address}/{account}",
        )
