"""One run's view of one connection: its configuration, its systems' parts, and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeVar

from domain.connections import (
    CATALOG,
    CUSTOMERS,
    INVENTORY,
    LISTINGS,
    ORDERS,
    PRICES,
    RETURNS,
    SHIPMENTS,
    Connection,
)
from domain.errors import PermanentError
from domain.ports import (
    CommercePlatform,
    EventFeed,
    EventQueue,
    OrderManagementSystem,
)
from domain.records.catalog import Product
from domain.records.customers import Customer
from domain.rules.ship_from import ShipFromRules
from domain.rules.translation import OrderRules
from domain.sources import (
    FulfilmentSource,
    ItemSource,
    ListedItemSource,
    OrderSource,
    PriceSource,
    ReturnSource,
    Source,
    StockSource,
)
from domain.statuses import OrderStatuses
from domain.targets import (
    CustomerTarget,
    ItemTarget,
    LevelTarget,
    ListingTarget,
    PaymentService,
    PriceTarget,
)
from resources.action_source import ActionRequests
from resources.ledger.ledger import Ledger
from resources.systems import statuses_of

S = TypeVar("S")


@dataclass(frozen=True)
class Sync:
    """One run's view of one connection: its configuration, both systems, and the ledger."""

    name: str
    connection: Connection
    platform: CommercePlatform
    oms: OrderManagementSystem
    ledger: Ledger
    run_id: str
    trigger: str = "manual"
    log: Callable[[str], None] = lambda _: None
    starting: frozenset[str] = frozenset()
    """Streams that this process starts: they are delivered, although paused for everyone else."""
    sellers: Mapping[str, Connection] = field(default_factory=dict)
    """The connections whose orders take units of the same stock, by name: also this one."""
    payments: PaymentService | None = None
    """The payment service that gives money back, if it is not the store's own."""

    @property
    def feeds(self) -> dict[Literal["platform", "oms"], EventFeed]:
        """Return the webhooks of the systems that can register them."""
        return {side: feed for side, feed in self._events.items() if isinstance(feed, EventFeed)}

    @property
    def queues(self) -> dict[Literal["platform", "oms"], EventQueue]:
        """Return the queues of the systems whose events are pulled."""
        return {side: feed for side, feed in self._events.items() if isinstance(feed, EventQueue)}

    @property
    def _events(self) -> dict[Literal["platform", "oms"], EventFeed | EventQueue | None]:
        return {"platform": self.platform.events, "oms": self.oms.events}

    @property
    def order_statuses(self) -> OrderStatuses:
        """Return in which of the store's statuses orders go out, change and are canceled."""
        return statuses_of(self.connection)

    @property
    def orders(self) -> OrderSource:
        """Return the source of orders."""
        return _present(self.platform.kind, ORDERS, self.platform.sources.get("orders"))

    @property
    def shipments(self) -> FulfilmentSource:
        """Return the source of fulfilment."""
        return _present(self.oms.kind, SHIPMENTS, self.oms.sources.get("shipments"))

    @property
    def returns(self) -> ReturnSource:
        """Return the source of returns."""
        return _present(self.oms.kind, RETURNS, self.oms.sources.get("returns"))

    @property
    def stock(self) -> StockSource:
        """Return the source of stock levels."""
        return _present(self.oms.kind, INVENTORY, self.oms.sources.get("inventory"))

    @property
    def store_stock(self) -> LevelTarget:
        """Return the stock of the store, with its locations."""
        return _present(self.platform.kind, INVENTORY, self.platform.targets.get("inventory"))

    @property
    def prices(self) -> PriceSource:
        """Return the source of prices."""
        return _present(self.oms.kind, PRICES, self.oms.sources.get("prices"))

    @property
    def store_prices(self) -> PriceTarget:
        """Return the prices of the store."""
        return _present(self.platform.kind, PRICES, self.platform.targets.get("prices"))

    @property
    def catalog(self) -> Source[Product]:
        """Return the source of the store's products."""
        return _present(self.platform.kind, "the catalog", self.platform.sources.get("catalog"))

    @property
    def products(self) -> Source[Product]:
        """Return the source of products as they are sold, for the stream ``catalog``."""
        return _present(self.platform.kind, CATALOG, self.platform.sources.get("products"))

    @property
    def listings_target(self) -> ListingTarget:
        """Return the products of the store, as they are written."""
        return _present(self.platform.kind, LISTINGS, self.platform.targets.get("listings"))

    @property
    def items(self) -> ListedItemSource:
        """Return the source of the OMS's items with what a store shows of them."""
        return _present(self.oms.kind, "items", self.oms.sources.get("items"))

    @property
    def items_target(self) -> ItemTarget:
        """Return the items of the OMS, as they are written."""
        return _present(self.oms.kind, "items", self.oms.targets.get("catalog"))

    @property
    def customers(self) -> Source[Customer]:
        """Return the source of the store's customers."""
        return _present(self.platform.kind, CUSTOMERS, self.platform.sources.get("customers"))

    @property
    def customers_target(self) -> CustomerTarget:
        """Return the customers of the OMS."""
        return _present(self.oms.kind, CUSTOMERS, self.oms.targets.get("customers"))

    @cached_property
    def actions(self) -> ActionRequests:
        """Return the source of agents' requests; a store need not have one.

        One for the whole run, since it puts away the files that it has read.
        """
        policy, rules = self.connection.actions, self.connection.addresses
        return ActionRequests(self.platform.sources.get("actions"), policy.folder, rules)

    @property
    def order_rules(self) -> OrderRules:
        """Return the rules by which orders go out, with the ids of customers that go out, too."""
        policy, place = self.connection.orders, self.oms.targets["orders"].ships_from
        return OrderRules(
            policy,
            self.order_statuses,
            ShipFromRules(policy, self.connection.inventory, place),
            names_customers=CUSTOMERS in self.connection.streams,
        )

    @property
    def item_master(self) -> ItemSource:
        """Return the source of the OMS's items."""
        return _present(self.oms.kind, "the item master", self.oms.sources.get("catalog"))


def _present(kind: str, part: str, source: S | None) -> S:
    """Return a part that a system has. Raises ``PermanentError`` if it has none."""
    if source is None:
        raise PermanentError(
            f"a connection to {kind} can't sync {part}: remove the stream from the connection"
        )
    return source
