"""The home of one chaos run: configuration, secrets and Dagster's settings in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from orchestration.local import sandbox_process
from orchestration.local.simulated import PAIR
from orchestration.settings import project_root

NAME = "chaos"
TOKEN, CLIENT_SECRET = f"sandbox-token-{NAME}", f"sandbox-client-secret-{NAME}"
SECRETS = sandbox_process.secrets_of(PAIR, NAME)
SNAPSHOT_SECONDS = 4


@dataclass(frozen=True)
class Home:
    """A folder and what lies in it."""

    folder: Path

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


def furnish(folder: Path, url: str, webhooks: str) -> Home:
    """Write what the system reads at its start; ``url`` is the sandbox's."""
    (folder / "secrets").mkdir(parents=True, exist_ok=True)
    for name, value in SECRETS.items():
        file = folder / "secrets" / name
        file.touch(mode=0o600)
        file.write_text(value)
    start = datetime.now(UTC).date() - timedelta(days=2)
    installation = {"start_date": start, "connections": {NAME: _connection(folder, url, webhooks)}}
    (folder / "connections.yaml").write_text(yaml.safe_dump(installation, sort_keys=False))
    (folder / "dagster.yaml").write_text(yaml.safe_dump(_instance(folder), sort_keys=False))
    return Home(folder)


def _connection(folder: Path, url: str, webhooks: str) -> dict[str, Any]:
    """Return a connection with short intervals and time-outs, and many attempts: kills use some."""
    secrets = folder / "secrets"
    push = {
        "secret": {"file": str(secrets / "push-secret")},
        "prefix": "sha256=",
        "template": "{timestamp}.{body}",
        "timestamp_header": "X-Timestamp",
    }
    return {
        "platform": {
            "kind": "bigcommerce",
            "store_hash": NAME,
            "api_base": f"{url}/bigcommerce/{{hash}}",
            "quota": 100_000,
            "timeout": 3.0,
            "token": {"file": str(secrets / f"token-{NAME}")},
            "client_secret": {"file": str(secrets / f"client-secret-{NAME}")},
        },
        "oms": {
            "kind": "manhattan",
            "base_url": f"{url}/manhattan/{NAME}",
            "token_url": f"{url}/manhattan/{NAME}/oauth/token",
            "client_id": "lockstep",
            "client_secret": {"file": str(secrets / "client-secret")},
            "username": "sync",
            "password": {"file": str(secrets / "password")},
            "organization": "SANDBOX",
            "requests_per_second": 5000,
            "push_concurrency": 4,
            "timeout": 3.0,
            "push": push,
        },
        "orders": {
            "uom": "EA",
            "shipping_methods": sandbox_process.SHIPPING_METHODS,
            "payment_methods": sandbox_process.PAYMENT_METHODS,
            "pickup_locations": {"STORE-01": "STORE-01"},
        },
        "inventory": {"interval": f"PT{SNAPSHOT_SECONDS}S"},
        "webhooks": {"destination": webhooks},
        "poll_interval": "PT2S",
        "overlap": "PT30S",
        "max_attempts": 40,
        "rejection_threshold": 1.0,
    }


def _instance(folder: Path) -> dict[str, Any]:
    """Return the project's dagster.yaml with files here, fast monitoring, and two runs at once."""
    content: dict[str, Any] = yaml.safe_load((project_root() / "dagster.yaml").read_text("utf-8"))
    content["local_artifact_storage"]["config"]["base_dir"] = str(folder / "dagster")
    content["compute_logs"]["config"]["base_dir"] = str(folder / "dagster" / "logs")
    content["run_monitoring"] |= {"poll_interval_seconds": 5, "start_timeout_seconds": 45}
    content["concurrency"]["runs"]["max_concurrent_runs"] = 2
    return content
