"""Checks a connection to a store with real calls that change nothing."""

from __future__ import annotations

from functools import partial

from domain.connections import (
    INVENTORY,
    PRICES,
    Connection,
)
from domain.errors import LockstepError, PermanentError
from domain.exchange import Check
from domain.parsing.answers import CONTRACT
from domain.prices import OWN_PRICES
from resources.http.client import ApiClient
from resources.http.reply import Reply
from resources.platforms.bigcommerce.answers_payload import CHANNELS, STORE_PROFILES, STORE_TIMES
from resources.platforms.bigcommerce.client import document_of
from resources.platforms.bigcommerce.inventory.levels import LevelReader
from resources.platforms.bigcommerce.prices.reader import PriceReader
from resources.platforms.bigcommerce.scopes import CHANNEL_SCOPE, beyond_need, needed, probes
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.preflight import Finding, Probe, clock, finding_of, secret_file, stock_locations

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
            finding_of("token file", partial(secret_file, self._settings.token)),
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

    def _clock(self) -> Finding:
        reply = self._http.request("GET", "/v2/time")
        if not reply.ok:
            return False, reply.error_summary(), CREDENTIAL_ADVICE
        stated = document_of(reply, STORE_TIMES).time
        if stated is None:
            raise PermanentError(f"{reply.where} answered without a time: {CONTRACT}")
        return clock(stated)

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
            return Check(name, True, f"WARNING: could not be checked: {error}")
        if not found:
            return Check(name, True, "none found")
        return Check(
            name,
            True,
            f"WARNING: the token also has {', '.join(found)}",
            f"create an API account with no more than {wanted}",
        )

    def _locations(self) -> Finding:
        advice = (
            "correct inventory.store_location or inventory.nodes, "
            "or create the location in the store"
        )
        known = self._levels.locations()
        return stock_locations(self._connection.inventory, known, "location", advice)

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
