"""Checks a connection to a project with real calls that change nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
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
from domain.errors import Problem
from domain.exchange import Check
from resources.http.attempts import Reply
from resources.http.auth import OAuthTokens
from resources.http.client import ApiClient
from resources.platforms.commercetools.answers_payload import PROJECTS, Project
from resources.platforms.commercetools.client import document_of, quoted
from resources.platforms.commercetools.events import SubscriptionQueue
from resources.platforms.commercetools.inventory import LevelReader
from resources.platforms.commercetools.listings.checks import languages, new_products
from resources.platforms.commercetools.prices.reader import PATH as PRICES_PATH
from resources.platforms.commercetools.prices.reader import PriceReader
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.preflight import Finding, finding_of
from resources.secrets import permission_warning

MAX_SKEW = 120
"""Seconds: the default overlap of live windows, beyond which records could be missed."""
NOTHING = "00000000-0000-0000-0000-000000000000"
"""The id of no record: with the right, a write to it is refused for another reason."""
_DENIED = frozenset({401, 403})
OF_PROJECT = "give the API client the scope view_project_settings"


@dataclass(frozen=True, slots=True)
class Probe:
    """One right, and the harmless call by which it is tried."""

    scope: str
    method: str
    path: str
    body: Mapping[str, object] | None = None

    def granted(self, http: ApiClient) -> tuple[bool, Reply]:
        """Return whether the right is granted, and the project's answer."""
        reply = http.request(self.method, self.path, json=self.body, idempotent=True)
        return reply.ok or (self.body is not None and reply.status not in _DENIED), reply


NO_UPDATE: Mapping[str, object] = {"version": 1, "actions": []}
READ_ORDERS = Probe("view_orders", "GET", "/orders?limit=0&withTotal=false")
CHANGE_ORDERS = Probe("manage_orders", "POST", f"/orders/{NOTHING}", NO_UPDATE)
CHANGE_PAYMENTS = Probe("manage_payments", "POST", f"/payments/{NOTHING}", NO_UPDATE)
READ_MESSAGES = Probe("view_messages", "GET", "/messages?limit=0&withTotal=false")
READ_CUSTOMERS = Probe("view_customers", "GET", "/customers?limit=0&withTotal=false")
READ_PRODUCTS = Probe("view_products", "GET", "/product-projections?limit=0&withTotal=false")
READ_STOCK = Probe("view_products (inventory)", "GET", "/inventory?limit=0&withTotal=false")
READ_PRICES = Probe("view_standalone_prices", "GET", f"{PRICES_PATH}?limit=0&withTotal=false")
CHANGE_PRICES = Probe("manage_standalone_prices", "POST", f"{PRICES_PATH}/{NOTHING}", NO_UPDATE)
CHANGE_PRODUCTS = Probe("manage_products (products)", "POST", f"/products/{NOTHING}", NO_UPDATE)
READ_CARTS = Probe("view_orders (carts)", "GET", "/carts?limit=0&withTotal=false")
CHANGE_STOCK = Probe("manage_products", "POST", f"/inventory/{NOTHING}", NO_UPDATE)


class Preflight:
    """The checks of one connection."""

    def __init__(
        self,
        http: ApiClient,
        settings: CommercetoolsSettings,
        connection: Connection,
        levels: LevelReader,
        tokens: OAuthTokens,
        queue: SubscriptionQueue | None = None,
        prices: PriceReader | None = None,
    ) -> None:
        self._http, self._settings, self._connection = http, settings, connection
        self._levels, self._tokens, self._queue = levels, tokens, queue
        self._prices = prices

    def run(self) -> list[Check]:
        """Return one line a check; what depends on a failed credential is left out."""
        checks = [finding_of("secret file", self._secret_file)]
        if self._queue is not None:
            checks.append(finding_of("queue", partial(self._waiting, self._queue)))
        checks.append(finding_of("credentials and clock", self._clock))
        if not checks[-1].ok:
            return checks
        checks += [
            finding_of(f"scope {probe.scope}", partial(self._scope, probe))
            for probe in probes(self._connection, self._settings)
        ]
        checks.append(self._beyond_need())
        if _reads_messages(self._connection, self._settings):
            checks.append(finding_of("messages", self._messages))
        if LISTINGS in self._connection.streams:
            checks.append(finding_of("languages", self._languages))
            if self._connection.catalog.create_products != "never":
                check = partial(new_products, self._http, self._settings)
                checks.append(finding_of("new products", check))
        if INVENTORY in self._connection.streams:
            checks.append(finding_of("locations", self._locations))
            checks.append(finding_of("stock without limit", self._infinite))
            checks.append(finding_of("cart reservations", self._carts))
        if PRICES in self._connection.streams and self._prices is not None:
            checks.append(finding_of("prices", partial(self._price_lists, self._prices)))
        if self._settings.store_key is not None:
            checks.append(finding_of("store", self._store))
        return checks

    def _secret_file(self) -> Finding:
        warning = permission_warning(self._settings.client_secret)
        return warning is None, warning or "not open to others", "chmod 600 the file"

    def _waiting(self, queue: SubscriptionQueue) -> Finding:
        """Ask the queue for its attributes: nothing is received."""
        number = queue.attributes().get("ApproximateNumberOfMessages", "an unknown number")
        return True, f"can be read; about {number} messages wait", ""

    def _clock(self) -> Finding:
        """Ask for no order: any answer but 401 shows that the token is taken."""
        reply = self._http.request("GET", READ_ORDERS.path)
        if reply.status == 401:
            advice = "create an API client with the scopes of the connector's README"
            return False, reply.error_summary(), advice
        try:
            dated = parsedate_to_datetime(reply.headers.get("date", ""))
        except ValueError:
            return True, "accepted; the answer has no time to compare clocks by", ""
        skew = time.time() - dated.timestamp()
        detail = f"accepted; this machine's clock differs by {skew:+.0f} s"
        advice = "set this machine's clock by NTP: windows of changed orders depend on it"
        return abs(skew) <= MAX_SKEW, detail, advice

    def _scope(self, probe: Probe) -> Finding:
        granted, reply = probe.granted(self._http)
        wanted = ", ".join(needed(self._connection, self._settings))
        advice = f"give the API client the scope {probe.scope.partition(' ')[0]}; all of: {wanted}"
        return granted, "granted" if granted else reply.error_summary()[:300], advice

    def _beyond_need(self) -> Check:
        """Warn of rights that only make a stolen secret worse; the connection works anyway.

        The token's answer lists its scopes, where the server states them.
        """
        name, wanted = "scopes beyond need", needed(self._connection, self._settings)
        granted = [scope.partition(":")[0] for scope in self._tokens.scope.split()]
        found = sorted(set(granted) - set(wanted))
        if not found:
            return Check(name, True, "none found")
        return Check(
            name,
            True,
            f"WARNING: the token also has {', '.join(found)}"[:500],
            f"create an API client with no more than {', '.join(wanted)}",
        )

    def _project(self) -> Project | str:
        """Return the project's own settings, or why they can't be read."""
        settings, policy = self._settings, self._http.policy
        host = ApiClient(replace(policy, base_url=settings.api), connections=1)
        try:
            reply = host.request("GET", f"/{settings.project_key}")
        finally:
            host.close()
        if not reply.ok:
            return reply.error_summary()[:300]
        return document_of(reply.where, reply.body, PROJECTS)

    def _messages(self) -> Finding:
        project = self._project()
        if isinstance(project, str):
            return False, project, OF_PROJECT
        enabled = project.messages is not None and project.messages.enabled is True
        advice = (
            "switch messages on in the project, or set platform.probe to orders and, where "
            "customers are synced, platform.customer_deletions to false"
        )
        return enabled, f"{project.name}: messages are {'on' if enabled else 'off'}", advice

    def _languages(self) -> Finding:
        project = self._project()
        if isinstance(project, str):
            return False, project, OF_PROJECT
        return languages(project, self._settings)

    def _locations(self) -> Finding:
        locations = self._levels.locations()
        policy = self._connection.inventory
        wanted = (
            [policy.store_location] if policy.mode == "aggregate" else list(policy.nodes.values())
        )
        missing = sorted(code for code in wanted if code not in locations)
        known = ", ".join(sorted(locations))
        detail = f"{len(locations)} known: {known}"
        if missing:
            detail = f"no supply channel {', '.join(missing)}; known: {known}"
        return (
            not missing,
            detail[:500],
            (
                "correct inventory.store_location or inventory.nodes, "
                "or give the channel the role InventorySupply"
            ),
        )

    def _price_lists(self, prices: PriceReader) -> Finding:
        """Look for the channel of each list, and say what happens to sale prices."""
        policy = self._connection.prices
        lists = [policy.store_list, *policy.lists.values()]
        for name in lists:
            if isinstance(found := prices.scope(name), Problem):
                return False, f"{name}: {found.message}", found.advice
        sale = "are rejected: platform.sale_discount names no product discount"
        if self._settings.sale_discount is not None:
            sale = f"refer to the product discount {self._settings.sale_discount}"
        return True, f"prices go to {', '.join(lists)}; sale prices {sale}"[:500], ""

    def _infinite(self) -> Finding:
        is_off = self._connection.inventory.infinite == "stop_tracking"
        shown = "inventory.infinite_quantity is shown" if is_off else "as the policy says"
        return True, f"an item without limit: {shown}; a SKU's stock can't be switched off", ""

    def _carts(self) -> Finding:
        """Compare the setting with the project: without a time to expire no cart reserves."""
        has_them, project = self._settings.cart_reservations, self._project()
        shown = "are read" if has_them else "are not read"
        if isinstance(project, str):
            return True, f"{shown}; whether carts reserve stock needs view_project_settings", ""
        found = project.inventory
        minutes = found.reservation_expiration_in_minutes if found is not None else None
        if minutes is None or has_them:
            return True, shown if minutes else f"{shown}; the project's carts reserve no stock", ""
        detail = f"WARNING: carts may reserve stock for {minutes} minutes, and they {shown}"
        return True, detail, "set platform.cart_reservations, or their units are offered again"

    def _store(self) -> Finding:
        key = self._settings.store_key or ""
        reply = self._http.request(
            "GET", "/stores", params={"where": f"key = {quoted(key)}", "limit": 1}
        )
        if not reply.ok:
            return False, reply.error_summary()[:300], "give the API client the scope view_stores"
        found = bool((reply.json() or {}).get("results"))
        detail = f"store {key}" if found else f"the project has no store {key}"
        return found, detail, "correct platform.store_key"


def needed(connection: Connection, settings: CommercetoolsSettings) -> tuple[str, ...]:
    """Return the names of the scopes that the connection's streams need, the least that does."""
    streams = connection.streams
    changes_orders = not {SHIPMENTS, RETURNS}.isdisjoint(streams)
    refunds = RETURNS in streams and connection.returns.refunds == "platform"
    names = ["manage_orders" if changes_orders else "view_orders", "view_payments"]
    if refunds:
        names.append("manage_payments")
    if not {INVENTORY, LISTINGS}.isdisjoint(streams):
        names.append("manage_products")
    elif not {PRICES, CATALOG}.isdisjoint(streams):
        names.append("view_products")
    if PRICES in streams:
        names.append("manage_standalone_prices")
    if CUSTOMERS in streams:
        names.append("view_customers")
    if reads_messages := _reads_messages(connection, settings):
        names.append("view_messages")
    if reads_messages or LISTINGS in streams:
        names.append("view_project_settings")
    if settings.store_key is not None:
        names.append("view_stores")
    return tuple(names)


def _reads_messages(connection: Connection, settings: CommercetoolsSettings) -> bool:
    """Return whether the connection needs the project's messages."""
    of_customers = CUSTOMERS in connection.streams and settings.customer_deletions
    return of_customers or settings.probe == "messages"


def probes(connection: Connection, settings: CommercetoolsSettings) -> tuple[Probe, ...]:
    """Return the rights to try."""
    streams = connection.streams
    tried = [READ_ORDERS]
    if not {SHIPMENTS, RETURNS}.isdisjoint(streams):
        tried.append(CHANGE_ORDERS)
    if RETURNS in streams and connection.returns.refunds == "platform":
        tried.append(CHANGE_PAYMENTS)
    if CUSTOMERS in streams:
        tried.append(READ_CUSTOMERS)
    if _reads_messages(connection, settings):
        tried.append(READ_MESSAGES)
    if INVENTORY in streams:
        tried += [READ_PRODUCTS, READ_STOCK, CHANGE_STOCK]
        if settings.cart_reservations:
            tried.append(READ_CARTS)
    elif not {PRICES, CATALOG, LISTINGS}.isdisjoint(streams):
        tried.append(READ_PRODUCTS)
    if LISTINGS in streams:
        tried.append(CHANGE_PRODUCTS)
    if PRICES in streams:
        tried += [READ_PRICES, CHANGE_PRICES]
    return tuple(tried)
