"""Checks a connection to a store with real calls that change nothing."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

from domain.connections import (
    CATALOG,
    CUSTOMERS,
    INVENTORY,
    LISTINGS,
    PRICES,
    RETURNS,
    SHIPMENTS,
    Connection,
)
from domain.errors import LockstepError, PermanentError
from domain.exchange import Check
from domain.prices import OWN_PRICES
from resources.http.attempts import Reply
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.answers_payload import CHANNELS, STORE_PROFILES, STORE_TIMES
from resources.platforms.bigcommerce.client import CONTRACT, document_of
from resources.platforms.bigcommerce.inventory.levels import LevelReader
from resources.platforms.bigcommerce.prices.reader import PriceReader
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.preflight import Finding, finding_of
from resources.secrets import permission_warning

MAX_SKEW = 120
"""Seconds: the default overlap of live windows, beyond which records could be missed."""
CREDENTIAL_ADVICE = (
    "create a store-level API account with the scopes of the connector's README, "
    "and put its token where `token` points"
)


class Preflight:
    """The checks of one connection."""

    def __init__(
        self,
        http: ApiClient,
        settings: BigCommerceSettings,
        connection: Connection,
        levels: LevelReader,
        prices: PriceReader,
    ) -> None:
        self._http, self._settings, self._connection = http, settings, connection
        self._levels, self._prices = levels, prices

    def run(self) -> list[Check]:
        """Return one line a check; what depends on a failed credential is left out."""
        checks = [
            finding_of("token file", self._token_file),
            finding_of("credentials and clock", self._clock),
        ]
        if not checks[-1].ok:
            return checks
        checks.append(finding_of("store", self._store))
        checks += [
            finding_of(f"scope {probe.scope} ({probe.right})", partial(self._scope, probe))
            for probe in probes(self._connection, self._settings)
        ]
        checks.append(self._beyond_need())
        if INVENTORY in self._connection.streams:
            checks.append(finding_of("locations", self._locations))
        if PRICES in self._connection.streams:
            checks.append(finding_of("prices", self._price_lists))
        if self._settings.channel_id is not None:
            checks.append(finding_of("channel", self._channel))
        if self._connection.webhooks is not None:
            checks.append(finding_of("webhooks", self._webhooks))
        return checks

    def _token_file(self) -> Finding:
        warning = permission_warning(self._settings.token)
        return warning is None, warning or "not open to others", "chmod 600 the file"

    def _clock(self) -> Finding:
        reply = self._http.request("GET", "/v2/time")
        if not reply.ok:
            return False, reply.error_summary(), CREDENTIAL_ADVICE
        stated = document_of(reply, STORE_TIMES).time
        if stated is None:
            raise PermanentError(f"{reply.where} answered without a time: {CONTRACT}")
        skew = time.time() - stated
        detail = f"accepted; this machine's clock differs by {skew:+.0f} s"
        return (
            abs(skew) <= MAX_SKEW,
            detail,
            "set this machine's clock by NTP: windows of changed orders depend on it",
        )

    def _store(self) -> Finding:
        reply = self._http.request("GET", "/v2/store")
        if not reply.ok:
            return (
                False,
                reply.error_summary(),
                "give the token the scope store_v2_information_read_only",
            )
        store = document_of(reply, STORE_PROFILES)
        return (
            True,
            (f"{store.name} ({store.domain}), plan {store.plan_name}, status {store.status}"),
            "",
        )

    def _scope(self, probe: Probe) -> Finding:
        granted, reply = probe.granted(self._http)
        wanted = ", ".join(needed(self._connection, self._settings))
        advice = (
            f"give the token the scope {probe.scope}; all of: {wanted}. "
            "Store-level scopes can't be edited: create a new account"
        )
        return granted, "granted" if granted else _short(reply), advice

    def _beyond_need(self) -> Check:
        """Warn of rights that only make a stolen token worse; the connection works anyway."""
        name = "scopes beyond need"
        wanted = ", ".join(needed(self._connection, self._settings))
        try:
            found = beyond_need(self._http, self._connection.streams)
        except LockstepError as error:
            return Check(name, True, f"could not be checked: {error}")
        if not found:
            return Check(name, True, "none found")
        return Check(
            name,
            True,
            f"WARNING: the token also has {', '.join(found)}",
            f"create an API account with no more than {wanted}",
        )

    def _locations(self) -> Finding:
        locations = self._levels.locations()
        policy = self._connection.inventory
        wanted = (
            [policy.store_location] if policy.mode == "aggregate" else list(policy.nodes.values())
        )
        missing = sorted(code for code in wanted if code not in locations)
        known = ", ".join(sorted(locations))
        detail = (
            f"{len(locations)} known: {known}"
            if not missing
            else f"no location {', '.join(missing)}; known: {known}"
        )
        return (
            not missing,
            detail[:500],
            (
                "correct inventory.store_location or inventory.nodes, "
                "or create the location in the store"
            ),
        )

    def _price_lists(self) -> Finding:
        """Compare the currency of the catalog, and look for each price list."""
        policy, advice = self._connection.prices, "correct prices.store_list and prices.lists"
        lists = [policy.store_list, *policy.lists.values()]
        currency = self._prices.currency()
        for name in lists:
            problem = self._prices.list_problem(name) if name != OWN_PRICES else None
            if problem is not None:
                return False, f"{name}: {problem.message}", advice
        if policy.store_list == OWN_PRICES and policy.currency not in (None, currency):
            return (
                False,
                f"the store's catalog is in {currency}, and prices.currency is {policy.currency}",
                "correct prices.currency, or send these prices to a price list",
            )
        return True, f"the catalog is in {currency}; prices go to {', '.join(lists)}", ""

    def _webhooks(self) -> Finding:
        reply = self._http.request("GET", "/v3/hooks?limit=1")
        advice = "webhooks need no scope of their own: create a new store-level API account"
        return reply.ok, "can be registered" if reply.ok else _short(reply), advice

    def _channel(self) -> Finding:
        reply = self._http.request("GET", f"/v3/channels/{self._settings.channel_id}")
        if reply.status == 404:
            return (
                False,
                f"the store has no channel {self._settings.channel_id}",
                "correct platform.channel_id",
            )
        if not reply.ok:
            return (
                False,
                _short(reply),
                f"give the token the scope {CHANNEL_SCOPE} or store_sites_read_only",
            )
        channel = document_of(reply, CHANNELS).data
        if channel is None:
            raise PermanentError(f"{reply.where} answered without data: {CONTRACT}")
        return (
            channel.status not in ("deleted", "terminated"),
            f"{channel.name} ({channel.status})",
            "choose an active channel",
        )


def _short(reply: Reply) -> str:
    return reply.error_summary()[:300]


_DENIED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Probe:
    """One right, and the harmless call by which it is tried."""

    scope: str
    right: str
    """``read`` or ``write``."""
    method: str
    path: str
    body: Mapping[str, object] | None = None
    of_nothing: bool = False
    """The call is about a record that does not exist: with the right, it is refused otherwise."""

    def granted(self, http: ApiClient) -> tuple[bool, Reply]:
        """Return whether the right is granted, and the store's answer."""
        reply = http.request(self.method, self.path, json=self.body, idempotent=True)
        return reply.ok or (self.of_nothing and reply.status not in _DENIED), reply


CHANNEL_SCOPE = "store_channel_listings_read_only"
ORDERS = Probe("store_v2_orders", "read", "GET", "/v2/orders?limit=1")
TRANSACTIONS = Probe(
    "store_v2_transactions_read_only", "read", "GET", "/v3/orders/0/transactions", of_nothing=True
)
PRODUCTS = Probe("store_v2_products", "read", "GET", "/v3/catalog/products?limit=1")
STOCK = Probe("store_inventory", "read", "GET", "/v3/inventory/items?limit=1")
CHANGE_ORDERS = Probe("store_v2_orders", "write", "PUT", "/v2/orders/0", {}, of_nothing=True)
CHANGE_PRODUCTS = Probe(
    "store_v2_products", "write", "PUT", "/v3/catalog/products/0", {}, of_nothing=True
)
CHANGE_STOCK = Probe(
    "store_inventory",
    "write",
    "PUT",
    "/v3/inventory/adjustments/absolute",
    {"reason": "Lockstep preflight", "items": []},
    of_nothing=True,
)
CUSTOMER_SCOPE = "store_v2_customers_read_only"
READ_CUSTOMERS = Probe("store_v2_customers", "read", "GET", "/v3/customers?limit=1&id:in=0")
"""It asks for no customer, so that no customer's data is read."""
SENSITIVE = (
    Probe("store_v2_marketing", "read", "GET", "/v2/coupons?limit=1"),
    Probe("store_v2_content", "read", "GET", "/v3/content/pages?limit=1"),
)
"""Rights that no stream needs."""


def needed(connection: Connection, settings: BigCommerceSettings | None = None) -> tuple[str, ...]:
    """Return the names of the scopes that the connection's streams need, the least that does."""
    streams = connection.streams
    writes_orders = not {SHIPMENTS, RETURNS}.isdisjoint(streams)
    names = ["store_v2_orders" if writes_orders else "store_v2_orders_read_only"]
    if settings is None or settings.fetch_transactions != "never":
        names.append("store_v2_transactions_read_only")
    names.append("store_v2_information_read_only")
    if INVENTORY in streams:
        names += ["store_inventory", "store_locations_read_only"]
    if not {INVENTORY, PRICES, CATALOG, LISTINGS}.isdisjoint(streams):
        writes = _writes_products(connection)
        names.append("store_v2_products" if writes else "store_v2_products_read_only")
    if CUSTOMERS in streams:
        names.append(CUSTOMER_SCOPE)
    if settings is not None and settings.channel_id is not None:
        names.append(CHANNEL_SCOPE)
    return tuple(names)


def probes(connection: Connection, settings: BigCommerceSettings) -> tuple[Probe, ...]:
    """Return the rights to try; those to locations, channel and webhooks have their own checks."""
    streams = connection.streams
    tried = [ORDERS]
    if not {SHIPMENTS, RETURNS}.isdisjoint(streams):
        tried.append(CHANGE_ORDERS)
    if settings.fetch_transactions != "never":
        tried.append(TRANSACTIONS)
    if not {INVENTORY, PRICES, CATALOG, LISTINGS}.isdisjoint(streams):
        tried.append(PRODUCTS)
    if INVENTORY in streams:
        tried += [STOCK, CHANGE_STOCK]
    if _writes_products(connection):
        tried.append(CHANGE_PRODUCTS)
    if CUSTOMERS in streams:
        tried.append(READ_CUSTOMERS)
    return tuple(tried)


def _writes_products(connection: Connection) -> bool:
    """Return whether products are written: prices, listings, or an infinite item's tracking."""
    stops_tracking = connection.inventory.infinite == "stop_tracking"
    writes = not {PRICES, LISTINGS}.isdisjoint(connection.streams)
    return writes or (INVENTORY in connection.streams and stops_tracking)


def beyond_need(http: ApiClient, streams: Collection[str]) -> list[str]:
    """Return the sensitive scopes that the token has although nothing needs them."""
    unneeded = SENSITIVE if CUSTOMERS in streams else (READ_CUSTOMERS, *SENSITIVE)
    return [probe.scope for probe in unneeded if probe.granted(http)[0]]
