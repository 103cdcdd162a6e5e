"""Live runs: the requests for windows that changed, and which of them wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import dagster as dg

from assets.chain.keys import LIVE, TRIGGER_TAG, chain_keys
from assets.chain.run_config import live_config
from domain.values import Partition
from sensors import cursor
from sensors.attempts import ATTEMPT_TAG, CHAINS_TAG, LANE_TAG, Attempt, Attempts
from sensors.cursor import Due

MOST_RUNS = 20
"""Runs that a tick requests: a lane's chains may each have fallen behind by other partitions."""


def retry_at(attempt: Attempt) -> datetime:
    """Return when a window may be requested again after an attempt that has failed."""
    return attempt.ended_at + cursor.pause_after(attempt.number)


def run_requests(
    lane: str,
    due: Sequence[Due],
    attempts: Attempts,
    signs: Mapping[str, datetime],
    now: datetime,
) -> tuple[list[dg.RunRequest], list[str]]:
    """Return a request for each partition and number of attempts, and a line for what waits.

    A chain that fails is repeated in a run of its own, so that it holds up no other chain.
    """
    waiting, ready = [], []
    for item in due:
        attempt = attempts.last.get((str(item.chain), item.partition))
        sign = signs.get(str(item.chain))
        is_answered = attempt is not None and sign is not None and sign > attempt.ended_at
        if attempt is not None and retry_at(attempt) > now and not is_answered:
            waiting.append(
                f"{item.chain} {item.partition}: attempt {attempt.number} failed; "
                f"the next is requested at {retry_at(attempt):%H:%M:%S}Z."
            )
        else:
            ready.append(item)
    tried_at = {place: attempt.ended_at for place, attempt in attempts.last.items()}
    by_number: dict[int, list[Due]] = {}
    for item in cursor.longest_waiting(ready, tried_at):
        last = attempts.last.get((str(item.chain), item.partition))
        by_number.setdefault(last.number + 1 if last else 1, []).append(item)
    groups = [
        (partition, number, group)
        for number, items in by_number.items()
        for partition, group in cursor.by_partition(items).items()
    ]
    groups.sort(key=lambda g: g[:2])
    if left := groups[MOST_RUNS:]:
        waiting.append(f"{len(left)} further runs are requested once these have ended.")
    requests = [
        _request(lane, partition, number, group) for partition, number, group in groups[:MOST_RUNS]
    ]
    return requests, waiting


def _request(lane: str, partition: Partition, attempt: int, group: Sequence[Due]) -> dg.RunRequest:
    """Return the request of a run, without a run key.

    Dagster never runs the same key again, not even after a failure, and a window may stay the same
    until its run succeeds. That an active run is not requested again is decided by its tags.
    """
    ops: dict[str, object] = {}
    keys: list[dg.AssetKey] = []
    for due in group:
        connection, stream = due.chain.connection, due.chain.stream
        ops |= live_config(
            connection, stream, due.window.since.isoformat(), due.window.until.isoformat()
        )
        keys += chain_keys(connection, [stream])
    return dg.RunRequest(
        partition_key=partition.key,
        asset_selection=keys,
        run_config={"ops": ops},
        tags={
            TRIGGER_TAG: LIVE,
            LANE_TAG: lane,
            CHAINS_TAG: ",".join(str(due.chain) for due in group),
            ATTEMPT_TAG: str(attempt),
        },
    )
