"""Hands a replay to the Dagster daemon as a backfill, which queues behind live runs.

Dagster has no public Python call that makes a backfill (its pull request 26731, which proposed one, was closed). Its GraphQL API is what
the UI's own button uses, and the command ``dagster-graphql`` executes it against the instance and the workspace; no webserver is needed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson

from assets.steps import TRIGGER_TAG
from domain.errors import PermanentError
from orchestration.jobs import BACKFILL_PRIORITY
from orchestration.settings import project_root

STEPS = ("captured", "validated", "delivered")
MUTATION = """
mutation Replay($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on InvalidSubsetError { message }
    ... on PartitionSetNotFoundError { message }
    ... on PartitionKeysNotFoundError { message }
    ... on UnauthorizedError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""


def submit(connection: str, streams: Sequence[str], first: date, last: date, *, force: bool) -> str:
    """Make a backfill of the chains over the partitions and return its id. Raises ``PermanentError`` with Dagster's reason."""
    days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    params: dict[str, Any] = {
        "assetSelection": [{"path": [connection, stream, step]} for stream in streams for step in STEPS],
        "partitionNames": days,
        "fromFailure": False,
        "title": f"replay {connection} {'+'.join(streams)}",
        "tags": [{"key": "dagster/priority", "value": str(BACKFILL_PRIORITY)}, {"key": TRIGGER_TAG, "value": "replay"}],
    }
    if force:
        params["runConfigData"] = {"ops": {f"{connection}__{stream}__delivered": {"config": {"force": True}} for stream in streams}}
    answer = _execute({"params": params})
    result: dict[str, Any] = answer.get("data", {}).get("launchPartitionBackfill") or {}
    if "backfillId" not in result:
        reasons = [result.get("message", ""), *(e["message"] for e in (*result.get("errors", ()), *answer.get("errors", ())))]
        raise PermanentError(f"Dagster refused the backfill: {'; '.join(filter(None, reasons)) or result}")
    return str(result["backfillId"])


def _execute(variables: Mapping[str, Any]) -> dict[str, Any]:
    root = project_root()
    with tempfile.TemporaryDirectory(prefix="lockstep-") as folder:
        file = Path(folder) / "answer.json"
        command = [
            str(Path(sys.executable).with_name("dagster-graphql")), "-w", str(root / "workspace.yaml"), "-t", MUTATION,
            "-v", orjson.dumps(variables).decode(), "-o", str(file),
        ]  # fmt: skip
        environment = {"DAGSTER_HOME": str(root)} | dict(os.environ)
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if not file.exists():
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            raise PermanentError(f"dagster-graphql failed, no backfill was made: {lines[-1]}")
        answer: dict[str, Any] = orjson.loads(file.read_bytes())
        return answer
