"""Run config of the three steps, as the launchpad shows it."""

from __future__ import annotations

import dagster as dg
from pydantic import Field


class CaptureConfig(dg.Config):
    """What to read."""

    since: str | None = Field(
        default=None, description="Start of the window (ISO 8601 with zone). Left empty, the whole partition is captured again."
    )
    until: str | None = Field(default=None, description="End of the window, exclusive (ISO 8601 with zone).")


class ValidateConfig(dg.Config):
    """What to validate."""

    only_new: bool = Field(
        default=False,
        description="Validate only captures without an outcome. Left off, all are validated again: mappings may have changed.",
    )


class DeliverConfig(dg.Config):
    """What to deliver."""

    only_new: bool = Field(default=False, description="Leave out records that the target has refused before.")
    force: bool = Field(default=False, description="Send even what the target is known to hold already.")


def live_config(connection: str, stream: str, since: str, until: str) -> dict[str, object]:
    """Return the run config of one chain's live run over a window."""
    prefix = f"{connection}__{stream}__"
    return {
        f"{prefix}captured": {"config": {"since": since, "until": until}},
        f"{prefix}validated": {"config": {"only_new": True}},
        f"{prefix}delivered": {"config": {"only_new": True}},
    }
