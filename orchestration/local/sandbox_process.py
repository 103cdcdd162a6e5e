"""The sandbox's process, and the connections.yaml and secrets of its systems."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import yaml

from domain.connections import PRICES, RETURNS
from domain.errors import LockstepError, TransientError
from domain.rules.capabilities import REFUNDS
from orchestration.local.simulated import PAIR, Pair, Place, simulated
from resources import platforms
from resources.http.urls import tls_context
from resources.ledger.database.embedded import home

PORT, WEBHOOKS_PORT = 18700, 18701
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


def _connection(
    pair: Pair, place: Place, webhooks: str | None, streams: Sequence[str] | None
) -> dict[str, Any]:
    """Return a connection between two simulated systems, by default with the default streams.

    With webhooks it polls less often, so that their effect is visible.
    """
    connection = {
        "description": f"In the sandbox: {' and '.join(simulated(kind).title for kind in pair)}.",
        "owner": "team:operations",
        "platform": _section(pair.store, place, sends=bool(webhooks)),
        "oms": _section(pair.oms, place, sends=bool(webhooks)),
        "orders": {
            "uom": "EA",
            "shipping_methods": SHIPPING_METHODS,
            "payment_methods": PAYMENT_METHODS,
            "pickup_locations": {"STORE-01": "STORE-01"},
        },
        "inventory": {"interval": "PT20S"},
        "overlap": "PT30S",
    }
    sends = webhooks and any(simulated(kind).with_events is not None for kind in pair)
    more = {"poll_interval": "PT30S", "webhooks": {"destination": webhooks}} if sends else {}
    chosen: dict[str, Any] = {"streams": list(streams)} if streams is not None else {}
    if RETURNS in (streams or ()):
        pays = REFUNDS in platforms.REGISTRY[pair.store].targets
        chosen["returns"] = {"limits": {"USD": 1_000}} if pays else {"refunds": "none"}
    if PRICES in (streams or ()):
        chosen["prices"] = {"currency": "USD", "first_price": "send", "max_change": None}
    return connection | chosen | more


def _section(kind: str, place: Place, *, sends: bool) -> dict[str, Any]:
    system = simulated(kind)
    events = system.with_events(place) if sends and system.with_events is not None else {}
    return {"kind": kind, **system.section(place), **events}


def secrets_of(pair: Pair, instance: str) -> dict[str, str]:
    """Return the public credentials of two simulated systems, by name."""
    found: dict[str, str] = {}
    for kind in pair:
        system = simulated(kind)
        found |= system.secrets
        found |= {f"{name}-{instance}": f"sandbox-{name}-{instance}" for name in system.own_secrets}
    return found


def configure(
    name: str,
    instance: str,
    start: date,
    url: str,
    webhooks: str | None = None,
    pair: Pair = PAIR,
    streams: Sequence[str] | None = None,
) -> Path:
    """Write a sandbox connection and its secrets to the sandbox's ``connections.yaml``.

    Return the file. ``instance`` is the name of both systems in the sandbox, ``webhooks`` the URL
    of the webhook endpoint. Without ``streams`` a connection keeps those that it has: assets of
    streams that are left out would stay in Dagster's catalog without a definition.
    """
    folder = home() / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for secret, value in secrets_of(pair, instance).items():
        path = folder / secret
        path.touch(mode=0o600)
        path.write_text(value)
    file = home() / "connections.yaml"
    content: dict[str, Any] = yaml.safe_load(file.read_text("utf-8")) if file.exists() else {}
    before = content.get("connections", {})
    kept = streams if streams is not None else before.get(name, {}).get("streams")
    connection = _connection(pair, Place(url, instance, folder), webhooks, kept)
    connections = before | {name: connection}
    first = min([start, *([content["start_date"]] if "start_date" in content else [])])
    content = {"start_date": first, "connections": connections}
    file.write_text(
        "# Connections between sandbox systems, written by lockstep.\n"
        "# For your own systems write connections.yaml in the project's folder.\n"
        + yaml.safe_dump(content, sort_keys=False, allow_unicode=True),
        "utf-8",
    )
    return file


def keep_count(connections: Sequence[str], count: int) -> None:
    """Note with how many orders a demo fills the systems of connections.

    Raises ``LockstepError`` if they were filled with another number before: two sets of orders in
    one store share ids, products and stock, which would look like differences.
    """
    file = home() / "demo.json"
    known: dict[str, int] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    for connection in connections:
        if known.get(connection, count) != count:
            raise LockstepError(
                f"The demo's systems of {connection} were filled with {known[connection]} orders "
                f"(--count) in {home()}: run it with --count {known[connection]}, or set "
                "LOCKSTEP_HOME to another folder"
            )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known | dict.fromkeys(connections, count)), "utf-8")


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


def behave_as_vendors(url: str, pair: Pair, instance: str, *, large: bool = False) -> None:
    """Set both simulated systems to what vendors' systems do, on ``large`` plans if need be."""
    for kind, path in zip(pair, pair.paths(instance), strict=True):
        system = simulated(kind)
        _set(url, path, {**system.settings, **(system.large if large else {})})


def push_from_oms(url: str, pair: Pair, instance: str, destination: str) -> None:
    """Make the OMS send its changes to the webhook endpoint, if it is set to by hand."""
    if setting := simulated(pair.oms).push_setting:
        _set(url, pair.paths(instance).oms, {setting: destination})


def _set(url: str, path: str, settings: Mapping[str, object]) -> None:
    httpx.post(
        f"{url}/_sandbox/{path}/settings", json=dict(settings), timeout=30, verify=tls_context()
    ).raise_for_status()


def is_filled(url: str, path: str) -> bool:
    """Return whether a simulated system holds anything yet."""
    truth = (
        httpx.get(f"{url}/_sandbox/{path}/truth", timeout=60, verify=tls_context())
        .raise_for_status()
        .json()
    )
    return bool(truth["orders"] or truth["levels"])


def is_up(url: str) -> bool:
    """Return whether a sandbox answers."""
    try:
        return (
            httpx.get(f"{url}/_sandbox/health", timeout=2, verify=tls_context()).status_code
            == httpx.codes.OK
        )
    except httpx.TransportError:
        return False
