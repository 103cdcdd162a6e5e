"""Checks a connection to a project with real calls that change nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from domain.connections import (
    INVENTORY,
    LISTINGS,
    PRICES,
    Connection,
)
from domain.errors import Problem
from domain.exchange import Check
from domain.parsing.answers import document_of
from resources.http.client import ApiClient
from resources.http.oauth import OAuthTokens
from resources.platforms.commercetools.answers_payload import PROJECTS, Project
from resources.platforms.commercetools.client import quoted
from resources.platforms.commercetools.events import SubscriptionQueue
from resources.platforms.commercetools.levels import LevelReader
from resources.platforms.commercetools.listings.checks import languages, new_products
from resources.platforms.commercetools.orders.checks import workflow_states
from resources.platforms.commercetools.prices.reader import PriceReader
from resources.platforms.commercetools.scopes import READ_ORDERS, needed, probes, reads_messages
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.preflight import (
    Finding,
    Probe,
    clock,
    dated,
    finding_of,
    secret_file,
    stock_locations,
)

OF_PROJECT = "give the API client the scope view_project_settings"


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
        checks = [finding_of("secret file", partial(secret_file, self._settings.client_secret))]
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
        if reads_messages(self._connection, self._settings):
            checks.append(finding_of("messages", self._messages))
        if (states := self._settings.workflow_states).decides:
            check = partial(workflow_states, self._http, states, self._connection.orders)
            checks.append(finding_of("workflow states", check))
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
        return clock(dated(reply))

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
            "switch messages on in the project, or set platform.probe to orders, "
            "platform.order_deletions to false and, where customers are synced, "
            "platform.customer_deletions to false"
        )
        return enabled, f"{project.name}: messages are {'on' if enabled else 'off'}", advice

    def _languages(self) -> Finding:
        project = self._project()
        if isinstance(project, str):
            return False, project, OF_PROJECT
        return languages(project, self._settings)

    def _locations(self) -> Finding:
        advice = (
            "correct inventory.store_location or inventory.nodes, "
            "or give the channel the role InventorySupply"
        )
        known = self._levels.locations()
        return stock_locations(self._connection.inventory, known, "supply channel", advice)

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
