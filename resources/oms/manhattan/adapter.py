"""Manhattan Active Omni: the connector's facade, which puts the pure mappings and the clients behind ``OrderManagementSystem``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from urllib.parse import urlsplit

from domain.connections import Connection, SecretRef
from domain.errors import PermanentError
from domain.exchange import Check, ExchangeLog, Mapped, MasterItem, RawRecord, Skipped
from domain.ports import OmsWriter, OrderManagementSystem, QuotaLedger
from domain.reconciliation import Difference, OrderClaim
from domain.records.fulfilment import Fulfilment
from domain.records.inventory import StockLevel
from domain.records.orders import Order
from domain.values import Window
from resources.http.async_client import PushClient
from resources.http.client import ApiClient
from resources.http.clock import SourceClock
from resources.http.rate_limit import Limiter
from resources.oms.manhattan.auth import TokenAuth
from resources.oms.manhattan.client import Availability, ItemMaster, run_checks
from resources.oms.manhattan.inventory import StockMapper
from resources.oms.manhattan.orders.changes import order_change
from resources.oms.manhattan.orders.diff import held_content
from resources.oms.manhattan.orders.lookup import OrderLookup
from resources.oms.manhattan.orders.mapping import OrderMapper
from resources.oms.manhattan.orders.search import OrderSearch
from resources.oms.manhattan.orders.writer import ManhattanWriter
from resources.oms.manhattan.preflight import beyond_need
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.shipments.fulfilment import FulfilmentMapper

KIND = "manhattan"


class ManhattanOms:
    """One organisation of a Manhattan tenant, as one connection uses it."""

    kind = KIND

    def __init__(
        self,
        settings: ManhattanSettings,
        connection: Connection,
        auth: TokenAuth,
        quota: QuotaLedger,
    ) -> None:
        self._settings, self._connection, self._auth = settings, connection, auth
        self.organisation = f"{urlsplit(settings.base_url).netloc}{urlsplit(settings.base_url).path.rstrip('/')}/{settings.organization}"
        self.push_concurrency = settings.push_concurrency
        self._limiter = Limiter(
            quota,
            f"{KIND}:{self.organisation}",
            quota=settings.requests_per_second,
            window_seconds=1.0,
        )
        self._clock = SourceClock()
        self._clients = {
            url: self._client(url) for url in {settings.base_url, settings.availability_url}
        }
        orders = self._clients[settings.base_url]
        self._search = OrderSearch(orders, settings)
        self._items = ItemMaster(orders, settings)
        self._availability = Availability(
            self._clients[settings.availability_url], settings, connection.inventory
        )
        self._lookup = OrderLookup(self._search, settings, connection)
        self._orders = OrderMapper(settings)
        self._fulfilments = FulfilmentMapper(settings, connection)
        self._stock = StockMapper(settings, connection.inventory)

    def preflight(self) -> list[Check]:
        """Check each part with a call that changes nothing."""
        checks: dict[str, tuple[Callable[[], str], str]] = {
            "credentials": (
                self._check_token,
                "Check token_url, grant, client_id, client_secret, username and password.",
            ),
            "orders": (
                self._check_orders,
                "Give the user's role read access to orders; check base_url and organization.",
            ),
            "item master": (
                self._check_items,
                "Check paths.item_search and names.item_id, and that items are loaded.",
            ),
            "availability": (
                self._check_availability,
                "Check inventory.view, inventory.nodes and inventory_base_url.",
            ),
        }
        done = run_checks(checks)
        return [
            *done,
            *(
                beyond_need(
                    self._clients[self._settings.base_url], self._settings, self._auth.scope
                )
                if done[0].ok
                else ()
            ),
        ]

    def clock(self) -> datetime:
        """Return the tenant's own present."""
        return self._clock.now()

    def fetch_items(self, skus: Collection[str]) -> dict[str, MasterItem]:
        """Look SKUs up in the item master."""
        return self._items.find(skus)

    def order_payload(self, order: Order) -> dict[str, object]:
        """Map an order to the body of ``save``."""
        return self._orders.payload(order)

    def order_change(
        self, known: Mapping[str, object], wanted: Mapping[str, object], *, whole: bool = False
    ) -> dict[str, object] | None:
        """Return the save that turns ``known`` into ``wanted``."""
        return order_change(known, wanted, self._connection.orders.cancel_reason, whole=whole)

    def probe_fulfilments(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``."""
        return self._search.oldest_since(since)

    def fetch_fulfilments(self, window: Window) -> Iterator[list[RawRecord]]:
        """Read the orders changed in the window."""
        return self._search.changed_in(window)

    def read_orders(self, order_ids: Collection[str]) -> list[RawRecord]:
        """Read orders by their ids."""
        return self._lookup.read(order_ids)

    def to_claim(self, payload: bytes) -> OrderClaim | None:
        """Return which order of the store an order says it is."""
        return self._lookup.claim(payload)

    def held_content(
        self, payload: bytes, wanted: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Difference]]:
        """Return what an order holds of ``wanted``, and the differences."""
        return held_content(payload, wanted)

    def to_fulfilment(self, payload: bytes) -> Mapped[Fulfilment] | Skipped:
        """Map a captured order."""
        return self._fulfilments.fulfilment(payload)

    def fetch_stock(self, skus: Sequence[str]) -> Iterator[list[RawRecord]]:
        """Read availability by the connection's policy."""
        return self._availability.rows(skus)

    def to_stock_level(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Map a captured availability row."""
        return self._stock.level(payload)

    def writer(self, log: ExchangeLog) -> AbstractAsyncContextManager[OmsWriter]:
        """Open the tenant for writing."""
        settings = self._settings
        push = PushClient(
            system=KIND,
            base_url=settings.base_url,
            auth=self._auth,
            limiter=self._limiter,
            concurrency=settings.push_concurrency,
            timeout=settings.timeout,
            headers=_own_headers(settings),
            log=log,
            clock=self._clock,
        )
        return ManhattanWriter(push, settings)

    def close(self) -> None:
        """Give the connections back."""
        for client in self._clients.values():
            client.close()
        self._auth.close()

    def _client(self, base_url: str) -> ApiClient:
        settings = self._settings
        return ApiClient(
            system=KIND,
            base_url=base_url,
            auth=self._auth,
            limiter=self._limiter,
            timeout=settings.timeout,
            headers=_own_headers(settings),
            # Availability may be another host's, with a clock of its own.
            clock=self._clock if base_url == settings.base_url else None,
        )

    def _check_token(self) -> str:
        self._auth.headers()
        return f"a token was issued by {self._settings.token_url}"

    def _check_orders(self) -> str:
        from_moment = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
        oldest = self._search.oldest_since(from_moment)
        return (
            f"orders can be searched; the oldest was changed at {oldest.isoformat()}"
            if oldest
            else "orders can be searched; there are none"
        )

    def _check_items(self) -> str:
        item = self._items.any_item()
        if item is None:
            raise PermanentError("the item master is empty, so every order line would be rejected")
        return f"items can be searched, such as {item.sku} in {item.uom or 'an unnamed unit'}"

    def _check_availability(self) -> str:
        item = self._items.any_item()
        rows = self._availability.ask([item.sku] if item else ["lockstep-preflight"])
        policy = self._connection.inventory
        return f"the view {policy.view} ({policy.mode}) answers {len(rows)} rows for one item"


def build(
    settings: ManhattanSettings,
    connection: Connection,
    secrets: Callable[[SecretRef], str],
    quota: QuotaLedger,
) -> OrderManagementSystem:
    """Build the connection's OMS; no call is made before it is used. Raises ``PermanentError`` where a secret is missing."""
    form: dict[str, str] = {"grant_type": settings.grant}
    if settings.grant == "password" and settings.password is not None:
        form |= {"username": settings.username, "password": secrets(settings.password)}
    client = (settings.client_id, secrets(settings.client_secret))
    auth = TokenAuth(
        settings.token_url,
        client,
        form,
        fallback_seconds=settings.token_fallback_seconds,
        timeout=settings.timeout,
    )
    return ManhattanOms(settings, connection, auth, quota)


def _own_headers(settings: ManhattanSettings) -> dict[str, str]:
    """Return the headers that choose organisation and location, where the tenant asks for them."""
    headers = {}
    if settings.organization_header:
        headers[settings.organization_header] = settings.organization
    if settings.location_header and settings.location:
        headers[settings.location_header] = settings.location
    return headers
