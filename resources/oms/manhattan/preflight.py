"""Checks of a connection before it goes live, each with a call that changes nothing.

The user's rights come from its roles, which no call returns. Two things can be seen from outside:
the token's scope, where the token's answer names one, and whether the user can read orders of
other organisations. UNVERIFIED: that the order search compares ``OrgId`` by ``!=``, and that rights
are checked before a body is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.connections import CUSTOMERS, PRICES
from domain.errors import AccessRefused, LockstepError, PermanentError
from domain.exchange import Check
from domain.parsing.text import plural
from domain.policies import InventoryPolicy
from resources.http.client import ApiClient
from resources.http.oauth import OAuthTokens
from resources.oms.manhattan.catalog import CatalogSource
from resources.oms.manhattan.client import fetch_answer, quoted, rows_of, write_answer
from resources.oms.manhattan.customers.target import CustomerLookup
from resources.oms.manhattan.inventory import Availability
from resources.oms.manhattan.orders.search import OrderSearch
from resources.oms.manhattan.prices import PricesSource
from resources.oms.manhattan.settings import ManhattanSettings
from resources.preflight import result_of

NO_CUSTOMER = NO_ORDER = "lockstep-preflight"
"""The id of an order that does not exist: a cancellation of it is refused, but for the right to."""
BEFORE_ORDERS = datetime(2000, 1, 1, tzinfo=UTC)
RIGHTS = ("save, read, search and cancel orders", "search items", "read availability")
"""What the role needs, and with the stream ``customers`` to save and search customers; nothing of
payments, users, configuration or purchasing."""
_LEAST_ROLE = (
    f"give Lockstep's user a role of its own with no more than: {', '.join(RIGHTS)}, "
    "in its organisation only"
)


@dataclass(frozen=True, slots=True)
class Preflight:
    """The checks of one connection."""

    settings: ManhattanSettings
    inventory: InventoryPolicy
    auth: OAuthTokens
    client: ApiClient
    search: OrderSearch
    items: CatalogSource
    availability: Availability
    prices: PricesSource
    streams: Collection[str]

    def run(self) -> list[Check]:
        """Run all checks in order; the user's rights can only be checked with a token."""
        checks: tuple[tuple[str, Callable[[], str], str], ...] = (
            (
                "credentials",
                self._credentials,
                "Check token_url, grant, client_id, client_secret, username and password.",
            ),
            (
                "orders",
                self._orders,
                "Give the user's role read access to orders; check base_url and organization.",
            ),
            ("saving orders", self._saving, "Give the user's role the right to save orders."),
            ("canceling orders", self._canceling, "Give the user's role the right to cancel."),
            (
                "item master",
                self._item_master,
                "Check paths.item_search and names.item_id, and that items are loaded.",
            ),
            (
                "availability",
                self._availability,
                "Check inventory.view, inventory.nodes and inventory_base_url.",
            ),
            *(self._of_customers() if CUSTOMERS in self.streams else ()),
            *(self._of_prices() if PRICES in self.streams else ()),
        )
        results = [result_of(name, check, advice) for name, check, advice in checks]
        if results[0].ok:
            results += [self._scope(), self._other_organisations()]
        return results

    def _credentials(self) -> str:
        self.auth.headers()
        return f"a token was issued by {self.settings.token_url}"

    def _orders(self) -> str:
        oldest = self.search.oldest_since(BEFORE_ORDERS)
        if oldest is None:
            return "orders can be searched; there are none"
        return f"orders can be searched; the oldest was changed at {oldest.isoformat()}"

    def _saving(self) -> str:
        # An empty list holds no order, in whichever way the tenant reads it.
        return self._tried(self.settings.paths.save, [])

    def _of_customers(self) -> tuple[tuple[str, Callable[[], str], str], ...]:
        return (
            (
                "customers",
                self._customers,
                "Give the user's role read access to customers; check paths.customer_search.",
            ),
            (
                "saving customers",
                # An empty list holds no customer; an empty object would get a generated id.
                lambda: self._tried(self.settings.paths.customer_save, []),
                "Give the user's role the right to save customers.",
            ),
        )

    def _customers(self) -> str:
        """Search for a customer that does not exist, so that none is read."""
        found = list(CustomerLookup(self.client, self.settings).read([NO_CUSTOMER]))
        return f"customers can be searched; {len(found)} have the id {NO_CUSTOMER}"

    def _of_prices(self) -> tuple[tuple[str, Callable[[], str], str], ...]:
        advice = (
            "Give the user's role read access to prices; check paths.price_search and the names "
            "of prices."
        )
        return (("prices", self._prices, advice),)

    def _prices(self) -> str:
        sku = self.prices.any_price()
        if sku is None:
            raise PermanentError("the tenant has no prices, so none would be sent")
        return f"prices can be searched, such as that of {sku or 'a row without an item'}"

    def _canceling(self) -> str:
        path = self.settings.paths.cancel.replace("{order_id}", NO_ORDER)
        return self._tried(path, {"CancelComments": "Lockstep preflight"})

    def _tried(self, path: str, body: object) -> str:
        """Make a write that can't take effect; raises ``AccessRefused`` without the right to it."""
        try:
            write_answer(self.client.request("POST", path, json=body, idempotent=False))
        except AccessRefused:
            raise
        except LockstepError as error:
            return f"WARNING: could not be checked: {error}"
        return "allowed"

    def _item_master(self) -> str:
        item = self.items.any_item()
        if item is None:
            raise PermanentError("the item master is empty, so every order line would be rejected")
        return f"items can be searched, such as {item.sku} in {item.uom or 'an unnamed unit'}"

    def _availability(self) -> str:
        item = self.items.any_item()
        rows = self.availability.fetch([item.sku] if item else ["lockstep-preflight"])
        view, mode = self.availability.view, self.inventory.mode
        return f"the view {view} ({mode}) returned {plural(len(rows), 'row')} for one item"

    def _scope(self) -> Check:
        name, scope = "rights beyond need", self.auth.scope
        if scope:
            return Check(name, True, f"the token's scope is {scope}")
        detail = "the token's answer names no scope; check the user's roles"
        return Check(name, True, detail, _LEAST_ROLE)

    def _other_organisations(self) -> Check:
        """Warn where the user can read other organisations' orders; the connection works anyway."""
        name = "other organisations"
        body: dict[str, object] = {
            "Query": f"OrgId != {quoted(self.settings.organization)}",
            "Page": 0,
            "Size": 1,
            "Template": {"OrderId": None, "OrgId": None},
        }
        try:
            rows = rows_of(fetch_answer(self.client, self.settings.paths.order_search, body))
        except LockstepError as error:
            return Check(name, True, f"WARNING: could not be checked: {error}")
        if rows:
            detail = "WARNING: the user can read orders of other organisations"
            return Check(name, True, detail, _LEAST_ROLE)
        return Check(name, True, "orders of other organisations can't be read")
