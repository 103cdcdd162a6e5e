"""The run config of the three steps, as the launchpad shows it."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from assets.chain.keys import CAPTURED, DELIVERED, VALIDATED, op_name

ONLY_RECORDS = (
    "Process only these records, as captured: their ids at the source, such as order ids or SKUs. "
    "Empty: all."
)


class CaptureConfig(dg.Config):
    """What to read."""

    since: str | None = Field(
        default=None,
        description="Start of the window (ISO 8601 with zone). Empty: the whole partition.",
    )
    until: str | None = Field(
        default=None, description="End of the window, exclusive (ISO 8601 with zone)."
    )


class ValidateConfig(dg.Config):
    """What to validate."""

    only_new: bool = Field(
        default=False,
        description="Validate only captures without an outcome. Off: validate all again, since "
        "mappings may have changed.",
    )
    only_records: list[str] | None = Field(default=None, description=ONLY_RECORDS)


class DeliverConfig(dg.Config):
    """What to deliver."""

    only_new: bool = Field(
        default=False, description="Leave out records that the target has refused before."
    )
    force: bool = Field(
        default=False, description="Send even what the target is known to hold already."
    )
    only_records: list[str] | None = Field(default=None, description=ONLY_RECORDS)


def live_config(connection: str, stream: str, since: str, until: str) -> dict[str, object]:
    """Return the run config of one chain's live run over a window."""
    window: dict[str, object] = {"since": since, "until": until}
    configs = {CAPTURED: window, VALIDATED: {"only_new": True}, DELIVERED: {"only_new": True}}
    return {
        op_name(connection, stream, step): {"config": config} for step, config in configs.items()
    }


def unfinished_config(connection: str, stream: str) -> dict[str, object]:
    """Return the run config of a run that finishes what earlier runs of one chain left behind."""
    return {
        op_name(connection, stream, step): {"config": {"only_new": True}}
        for step in (VALIDATED, DELIVERED)
    }


def rerun_config(
    connection: str, stream: str, *, only_records: Sequence[str] | None = None, force: bool = False
) -> dict[str, dict[str, dict[str, object]]]:
    """Return the run config of one chain's rerun of a partition, or of some of its records."""
    narrowed: dict[str, object] = (
        {} if only_records is None else {"only_records": list(only_records)}
    )
    sent = narrowed | ({"force": True} if force else {})
    return {
        op_name(connection, stream, step): {"config": config}
        for step, config in ((VALIDATED, narrowed), (DELIVERED, sent))
        if config
    }
