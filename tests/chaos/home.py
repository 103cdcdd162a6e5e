"""The home of one chaos run: configuration, secrets and Dagster's settings in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from domain.policies import ALL_PERMISSIONS
from orchestration.local import sandbox_process
from orchestration.local.simulated import PAIR, Pair, Place, simulated
from orchestration.settings import project_root
from resources import platforms
from tests.chaos.agents import FOLDER, OPERATOR
from tests.chaos.ways import WAYS, senders_of

NAME = "chaos"
CLIENT_SECRET = f"sandbox-client-secret-{NAME}"
STANDARD = ("orders", "inventory", "shipments")
SNAPSHOT_SECONDS = 4
LIMITS = dict.fromkeys(
    ("USD", "CAD", "GBP", "EUR", "BRL", "AUD", "JPY", "INR"),
    1_000_000,
)
"""Up to which a refund needs no approval, in every currency of the seeds."""


@dataclass(frozen=True)
class Home:
    """A folder and what lies in it."""

    folder: Path
    pair: Pair = PAIR

    @property
    def has_webhooks(self) -> bool:
        """Return whether one of the systems sends webhooks, so that an endpoint takes them in."""
        return bool(senders_of(self.pair))

    @property
    def postgres(self) -> Path:
        """Return the database's data folder: where the embedded server is looked for."""
        return self.folder / "postgres"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of every process of the system."""
        return {
            "DAGSTER_HOME": str(self.folder),
            "LOCKSTEP_HOME": str(self.folder),
            "LOCKSTEP_CONNECTIONS": str(self.folder / "connections.yaml"),
            "PYTHONWARNINGS": "ignore",
            "DAGSTER_DISABLE_TELEMETRY": "1",
        }


def secrets_of(pair: Pair) -> list[str]:
    """Return the secrets that must not be found anywhere."""
    return list(sandbox_process.secrets_of(pair, NAME).values())


def furnish(
    folder: Path,
    url: str,
    webhooks: str,
    pair: Pair = PAIR,
    streams: Sequence[str] = STANDARD,
) -> Home:
    """Write what the system reads at its start; ``url`` is the sandbox's."""
    (folder / "secrets").mkdir(parents=True, exist_ok=True)
    for name, value in sandbox_process.secrets_of(pair, NAME).items():
        file = folder / "secrets" / name
        file.touch(mode=0o600)
        file.write_text(value)
    start = datetime.now(UTC).date() - timedelta(days=2)
    connection = _connection(folder, url, webhooks, pair, streams)
    installation = {"start_date": start, "connections": {NAME: connection}}
    (folder / "connections.yaml").write_text(yaml.safe_dump(installation, sort_keys=False))
    (folder / "dagster.yaml").write_text(yaml.safe_dump(_instance(folder), sort_keys=False))
    return Home(folder, pair)


def _connection(
    folder: Path, url: str, webhooks: str, pair: Pair, streams: Sequence[str]
) -> dict[str, Any]:
    """Return a connection with short intervals and time-outs, and many attempts: kills use some."""
    place = Place(url, NAME, folder / "secrets")
    pays = "refunds" in platforms.REGISTRY[pair.store].targets
    found: dict[str, Any] = {
        "platform": _section(pair.store, place),
        "oms": _section(pair.oms, place),
        "streams": list(streams),
        "orders": {
            "uom": "EA",
            "shipping_methods": sandbox_process.SHIPPING_METHODS,
            "payment_methods": sandbox_process.PAYMENT_METHODS,
            "pickup_locations": {"STORE-01": "STORE-01"},
        },
        "inventory": {"interval": f"PT{SNAPSHOT_SECONDS}S"},
        "poll_interval": "PT2S",
        "overlap": "PT30S",
        "max_attempts": 40,
        "rejection_threshold": 1.0,
    }
    if senders_of(pair):
        found["webhooks"] = {"destination": webhooks}
    if "returns" in streams:
        found["returns"] = {"limits": LIMITS} if pays else {"refunds": "none"}
    if "actions" in streams:
        found["actions"] = {
            "permissions": {OPERATOR: list(ALL_PERMISSIONS)},
            "folder": str(folder / FOLDER),
        }
        found["platform"] = {**found["platform"], **WAYS[pair.store].for_agents}
        (folder / FOLDER).mkdir(exist_ok=True)
    if "listings" in streams:
        found["catalog"] = {"create_products": "visible"}
        found["prices"] = {"currency": "USD"}
        found["platform"] = {**found["platform"], **WAYS[pair.store].for_listings}
    if "prices" in streams:
        found["prices"] = {
            "interval": f"PT{SNAPSHOT_SECONDS}S",
            "first_price": "send",
            "max_change": None,
            "currency": "USD",
        }
    return found


def _section(kind: str, place: Place) -> dict[str, Any]:
    system = simulated(kind)
    events = system.with_events(place) if system.with_events is not None else {}
    return {
        "kind": kind,
        **system.section(place),
        **events,
        **WAYS[kind].section,
        "timeout": 3.0,
    }


def _instance(folder: Path) -> dict[str, Any]:
    """Return the project's dagster.yaml with files here, fast monitoring, and two runs at once."""
    content: dict[str, Any] = yaml.safe_load((project_root() / "dagster.yaml").read_text("utf-8"))
    content["local_artifact_storage"]["config"]["base_dir"] = str(folder / "dagster")
    content["compute_logs"]["config"]["base_dir"] = str(folder / "dagster" / "logs")
    content["run_monitoring"] |= {"poll_interval_seconds": 5, "start_timeout_seconds": 45}
    content["concurrency"]["runs"]["max_concurrent_runs"] = 2
    return content
