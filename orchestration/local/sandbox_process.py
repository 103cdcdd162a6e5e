"""The sandbox's process, and the connections.yaml and secrets of its systems."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import yaml

from domain.errors import TransientError
from resources.ledger.database.embedded import home

PORT, WEBHOOKS_PORT = 18700, 18701
SECRETS = {
    "client-secret": "sandbox-secret",
    "password": "sandbox-password",
    "push-secret": "sandbox-push-secret",
}
"""Public credentials of the simulated systems; they give access to nothing else."""

STORE = {
    "quota": 150,
    "window_ms": 500,
    "deduct_stock_on_order": True,
    "inventory_delay_ms": 1_000,
}
"""A store as the vendor's: the quota of the Standard plan, in windows of half a second instead of
half a minute; stock is taken off at an order, and levels show a second after they were written."""
LARGE_STORE = STORE | {"quota": 100_000}
"""The same on a plan for many orders."""
TENANT = {"requests_per_second": 200}

SHIPPING_METHODS = {
    "UPS Ground": "Ground", "UPS Next Day Air": "NextDay", "USPS Priority Mail": "TwoDay",
    "Canada Post Expedited": "Express", "Royal Mail Tracked 48": "TwoDay",
    "DPD Next Day": "NextDay", "DHL Paket": "Standard", "Colissimo": "Standard",
    "Correios": "Standard", "Australia Post Parcel": "Standard", "Yamato TA-Q-BIN": "Express",
    "Postage": "Standard", "India Post": "Standard",
}  # fmt: skip
PAYMENT_METHODS = {
    "Credit Card": "Credit Card", "PayPal": "PayPal", "Bank Deposit": "Other",
    "Gift Certificate": "Gift Card", "Store Credit": "Gift Card", "boleto": "Cash",
    "voucher": "Gift Card", "debit_card": "Credit Card", "credit_card": "Credit Card",
}  # fmt: skip


def _connection(store: str, url: str) -> dict[str, Any]:
    secrets = home() / "secrets"
    return {
        "description": "A sandbox BigCommerce store and a sandbox Manhattan tenant.",
        "owner": "team:operations",
        "platform": {
            "kind": "bigcommerce",
            "store_hash": store,
            "api_base": f"{url}/bigcommerce/{{hash}}",
            "token": {"file": str(secrets / f"token-{store}")},
        },
        "oms": {
            "kind": "manhattan",
            "base_url": f"{url}/manhattan/{store}",
            "token_url": f"{url}/manhattan/{store}/oauth/token",
            "client_id": "lockstep",
            "client_secret": {"file": str(secrets / "client-secret")},
            "username": "sync",
            "password": {"file": str(secrets / "password")},
            "organization": "SANDBOX",
            "requests_per_second": TENANT["requests_per_second"],
            "push_concurrency": 16,
        },
        "orders": {
            "uom": "EA",
            "shipping_methods": SHIPPING_METHODS,
            "payment_methods": PAYMENT_METHODS,
            "pickup_locations": {"STORE-01": "STORE-01"},
        },
        "inventory": {"interval": "PT20S"},
        "overlap": "PT30S",
    }


def _with_webhooks(connection: dict[str, Any], store: str, destination: str) -> dict[str, Any]:
    """Add webhooks of both systems, and poll less often so that their effect is visible."""
    secrets = home() / "secrets"
    platform = connection["platform"] | {
        "client_secret": {"file": str(secrets / f"client-secret-{store}")}
    }
    push = {
        "secret": {"file": str(secrets / "push-secret")},
        "prefix": "sha256=",
        "template": "{timestamp}.{body}",
        "timestamp_header": "X-Timestamp",
    }
    more = {
        "platform": platform,
        "oms": connection["oms"] | {"push": push},
        "poll_interval": "PT30S",
    }
    return connection | more | {"webhooks": {"destination": destination}}


def configure(name: str, store: str, start: date, url: str, webhooks: str | None = None) -> Path:
    """Write a sandbox connection and its secrets to the sandbox's ``connections.yaml``.

    Return the file. ``webhooks`` is the URL of the webhook endpoint.
    """
    folder = home() / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = {
        f"token-{store}": f"sandbox-token-{store}",
        f"client-secret-{store}": f"sandbox-client-secret-{store}",
    }
    for secret, value in (SECRETS | own).items():
        path = folder / secret
        path.touch(mode=0o600)
        path.write_text(value)
    file = home() / "connections.yaml"
    content: dict[str, Any] = yaml.safe_load(file.read_text("utf-8")) if file.exists() else {}
    connection = _connection(store, url)
    connections = content.get("connections", {}) | {
        name: _with_webhooks(connection, store, webhooks) if webhooks else connection
    }
    first = min([start, *([content["start_date"]] if "start_date" in content else [])])
    content = {"start_date": first, "connections": connections}
    file.write_text(
        "# Connections between sandbox systems, written by lockstep.\n"
        "# For your own systems write connections.yaml in the project's folder.\n"
        + yaml.safe_dump(content, sort_keys=False, allow_unicode=True),
        "utf-8",
    )
    return file


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    url: str
    process: subprocess.Popen[bytes] | None
    """``None`` if it was already running."""

    def stop(self) -> None:
        """Stop the sandbox, which saves its state first."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=60)


def start(port: int = PORT) -> Sandbox:
    """Start the sandbox with its saved state, unless it is already running.

    Raises ``TransientError`` if it does not start.
    """
    url = f"http://127.0.0.1:{port}"
    if is_up(url):
        return Sandbox(url, None)
    state = home() / "sandbox"
    state.mkdir(parents=True, exist_ok=True)
    with (home() / "sandbox.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", str(port), "--state", str(state)],
            stdout=log,
            stderr=log,
        )
    for _ in range(150):
        if is_up(url):
            return Sandbox(url, process)
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise TransientError(f"The sandbox did not start on {url}; see {home() / 'sandbox.log'}")


def behave_as_vendors(url: str, name: str, store: Mapping[str, object] = STORE) -> None:
    """Set a simulated store and the tenant of the same name to what vendors' systems do."""
    for path, settings in ((f"bigcommerce/{name}", store), (f"manhattan/{name}", TENANT)):
        httpx.post(
            f"{url}/_sandbox/{path}/settings", json=dict(settings), timeout=30
        ).raise_for_status()


def push_from_oms(url: str, tenant: str, destination: str) -> None:
    """Make a sandbox tenant push its changed orders to the webhook endpoint."""
    httpx.post(
        f"{url}/_sandbox/manhattan/{tenant}/settings", json={"push_url": destination}, timeout=30
    ).raise_for_status()


def is_up(url: str) -> bool:
    """Return whether a sandbox answers."""
    try:
        return httpx.get(f"{url}/_sandbox/health", timeout=2).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
