"""The simulated systems that a local connection can be between, by kind.

Each entry says how a connection reaches an instance, and how the instance is set to behave as its
vendor's systems do. This is the one place outside the connectors that names kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from domain.connections import Connection
from domain.errors import PermanentError
from resources import oms, platforms

Section = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where an instance is, and where its secrets are."""

    url: str
    """The sandbox's base URL."""
    instance: str
    secrets: Path

    def secret(self, name: str) -> dict[str, str]:
        """Return the reference to a secret that is the same for all instances."""
        return {"file": str(self.secrets / name)}

    def own_secret(self, name: str) -> dict[str, str]:
        """Return the reference to a secret of the instance's own."""
        return self.secret(f"{name}-{self.instance}")


@dataclass(frozen=True)
class Simulated:
    """One kind of simulated system."""

    title: str
    section: Callable[[Place], Section]
    """The connection's section, without ``kind``."""
    with_events: Callable[[Place], Section] | None = None
    """What the section has, too, where the system sends webhooks."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Name -> value of what is the same for all instances. Public: they open nothing else."""
    own_secrets: tuple[str, ...] = ()
    """Names of what each instance has for itself; ``sandbox-<name>-<instance>`` is the value."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Control settings with which an instance behaves as the vendor's systems do."""
    large: Mapping[str, object] = field(default_factory=dict)
    """Those of a plan for many orders, where they differ."""
    ships_only: bool = False
    """Of an OMS: it takes orders that are shipped to one address. Lines that are e-mailed are left
    out, and what else it has no place for is rejected."""
    push_setting: str = ""
    """The control setting with the address that it sends webhooks to, if none is registered."""


class Pair(NamedTuple):
    """The kinds of a connection's two systems."""

    store: str
    oms: str

    @property
    def connection(self) -> str:
        """Return the name of the pair's connection, and of both its systems in the sandbox."""
        return "demo" if self == PAIR else f"demo_{self.store}_{self.oms}"

    def paths(self, instance: str) -> Pair:
        """Return the paths of their instances in the sandbox, ``{kind}/{instance}``."""
        return Pair(f"{self.store}/{instance}", f"{self.oms}/{instance}")


def _anchanto(place: Place) -> Section:
    return {
        "experimental": True,
        "base_url": f"{place.url}/anchanto/{place.instance}/rest/v1",
        "account": place.instance,
        "store_code": "WEB",
        "email": "sync@example.com",
        "password": place.secret("anchanto-password"),
        "requests_per_second": 200,
        "push_concurrency": 16,
        "sorted_lists": True,
    }


def _bigcommerce(place: Place) -> Section:
    return {
        "store_hash": place.instance,
        "api_base": f"{place.url}/bigcommerce/{{hash}}",
        "token": place.own_secret("token"),
    }


def _commercetools(place: Place) -> Section:
    address = f"{place.url}/commercetools/{place.instance}"
    return {
        "project_key": place.instance,
        "api_url": address,
        "auth_url": address,
        "client_id": "lockstep",
        "client_secret": place.own_secret("secret"),
        "locales": ["en"],
        "payment_states": ["Paid"],
        "pickup_methods": ["Collect in store"],
        "pickup_location_field": "pickupLocation",
        "note_fields": {"customerMessage": "customer"},
        "gift_wrap_slugs": ["gift-wrap"],
        # Of the seed's downloads (sandbox/platforms/commercetools/seed_lines.py).
        "digital_product_types": ["f2a4c6e8-0b1d-4c3e-8f5a-7b9d1c3e5a70"],
        "write_concurrency": 16,
    }


def _extensiv(place: Place) -> Section:
    return {
        "base_url": f"{place.url}/extensiv/{place.instance}/v1",
        "merchant": place.instance,
        "cart_user": "cart-user",
        "cart_key": place.secret("cart-key"),
        "merchant_user": "merchant-user",
        "merchant_key": place.secret("merchant-key"),
        "calls_per_minute": 6_000,
        "orders_per_second": 200,
        "push_concurrency": 16,
    }


def _salesforce(place: Place) -> Section:
    return {
        "my_domain": f"{place.url}/salesforce/{place.instance}",
        "client_id": "lockstep",
        "client_secret": place.own_secret("secret"),
        "daily_calls": 10_000_000,
        "pickup_methods": ["Collect in store"],
        "digital_methods": ["Electronic Delivery"],
        "reads_pickup_location": True,
        "description_note": "customer",
        "gift_wrap_names": ["Gift wrap"],
        "inventory_location": "WAREHOUSE",
        "write_concurrency": 16,
    }


def _manhattan(place: Place) -> Section:
    return {
        "base_url": f"{place.url}/manhattan/{place.instance}",
        "token_url": f"{place.url}/manhattan/{place.instance}/oauth/token",
        "client_id": "lockstep",
        "client_secret": place.secret("client-secret"),
        "username": "sync",
        "password": place.secret("password"),
        "organization": "SANDBOX",
        "requests_per_second": 200,
        "push_concurrency": 16,
    }


def _manhattan_events(place: Place) -> Section:
    return {
        "push": {
            "secret": place.secret("push-secret"),
            "prefix": "sha256=",
            "template": "{timestamp}.{body}",
            "timestamp_header": "X-Timestamp",
        }
    }


SIMULATED = {
    "anchanto": Simulated(
        "an Anchanto account",
        _anchanto,
        secrets={"anchanto-password": "sandbox-anchanto-password"},
        settings={"requests_per_second": 200},
        ships_only=True,
    ),
    "bigcommerce": Simulated(
        "a BigCommerce store",
        _bigcommerce,
        lambda place: {"client_secret": place.own_secret("client-secret")},
        own_secrets=("token", "client-secret"),
        # The quota of the Standard plan, in windows of half a second instead of half a minute;
        # stock is taken off at an order, and levels show a second after they were written.
        settings={
            "quota": 150,
            "window_ms": 500,
            "deduct_stock_on_order": True,
            "inventory_delay_ms": 1_000,
        },
        large={"quota": 100_000},
    ),
    "commercetools": Simulated("a commercetools project", _commercetools, own_secrets=("secret",)),
    "extensiv": Simulated(
        "an Extensiv account",
        _extensiv,
        secrets={"cart-key": "sandbox-cart-key", "merchant-key": "sandbox-merchant-key"},
        # The vendor's bucket, sixty times as large and filled as fast, as the section says: the
        # header with the calls left is what Lockstep corrects its own count by.
        settings={"bucket": 6_000, "refill_seconds": 0.01},
        ships_only=True,
    ),
    "manhattan": Simulated(
        "a Manhattan tenant",
        _manhattan,
        _manhattan_events,
        secrets={
            "client-secret": "sandbox-secret",
            "password": "sandbox-password",
            "push-secret": "sandbox-push-secret",
        },
        settings={"requests_per_second": 200},
        push_setting="push_url",
    ),
    "salesforce": Simulated(
        "a Salesforce org", _salesforce, own_secrets=("secret",), settings={"daily": 10_000_000}
    ),
}
PAIR = Pair("bigcommerce", "manhattan")
"""The kinds of the connection that ``lockstep up`` and ``lockstep demo`` make by default."""


def pairs() -> list[Pair]:
    """Return all pairs of a platform and an OMS that can be simulated, the default one first."""
    found = [
        Pair(store, oms_kind)
        for store in SIMULATED
        for oms_kind in SIMULATED
        if store in platforms.REGISTRY and oms_kind in oms.REGISTRY
    ]
    return sorted(found, key=lambda pair: (pair != PAIR, pair))


def pair_named(text: str) -> Pair:
    """Return the pair of a text such as ``bigcommerce/manhattan``."""
    known = {"/".join(pair): pair for pair in pairs()}
    if text not in known:
        raise PermanentError(f"There is no pair {text!r}; there are {', '.join(known)}.")
    return known[text]


def simulated(kind: str) -> Simulated:
    """Return the simulated system of a kind; raises ``PermanentError`` if there is none."""
    found = SIMULATED.get(kind)
    if found is None:
        raise PermanentError(
            f"The sandbox can't simulate a system of the kind {kind!r}; it can simulate "
            f"{', '.join(sorted(SIMULATED))}. Use a connection between those, or your own systems "
            "with 'lockstep connect'."
        )
    return found


def pair_of(connection: Connection) -> Pair:
    """Return the kinds of a connection's systems, both of which can be simulated."""
    pair = Pair(connection.platform.kind, connection.oms.kind)
    for kind in pair:
        simulated(kind)
    return pair
