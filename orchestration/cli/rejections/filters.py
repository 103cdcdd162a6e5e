"""The options that filter rejections, shared by the commands that act on many of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from domain.rejection_codes.entry import CLASSES
from domain.streams import KINDS
from orchestration.cli.context import DAY, PartitionKey
from orchestration.cli.output import connection_option
from resources.ledger.rejections.work_queue import RejectionFilter

STREAMS = click.Choice(list(KINDS))
# Named here, not taken from the registry of steps, which would load Dagster.
STAGES = click.Choice(["captured", "validated", "delivered"])
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Duration(click.ParamType[timedelta]):
    """A duration such as ``30m``, ``2h``, ``3d``."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Parse the duration."""
        match = re.fullmatch(r"(\d{1,6})([mhdw])", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a duration; use 30m, 2h, 3d or 1w", param, ctx)
        return timedelta(**{UNITS[match[2]]: int(match[1])})


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the filter options to a command; pass their values to ``filter_from``."""
    for option in (
        click.option(
            "--to",
            "last",
            type=DAY,
            metavar="YYYY-MM-DD",
            help="Only partitions up to this day, inclusive.",
        ),
        click.option(
            "--from",
            "first",
            type=DAY,
            metavar="YYYY-MM-DD",
            help="Only partitions from this day on (UTC date of the source's modification time).",
        ),
        click.option(
            "--partition",
            type=PartitionKey(),
            metavar="KEY",
            help="Only this day, or this hour of it, e.g. 2026-08-01-13:00.",
        ),
        click.option(
            "--newer-than",
            type=Duration(),
            metavar="DURATION",
            help="Only those opened within this time.",
        ),
        click.option(
            "--older-than",
            type=Duration(),
            metavar="DURATION",
            help="Only those open for longer than this, e.g. 2h or 3d.",
        ),
        click.option("--owner", help="Only connections of this owner."),
        click.option("--stage", type=STAGES, help="Only rejections of this step."),
        click.option("--code", help="Only this code, e.g. sku_unknown."),
        click.option("--class", "category", type=click.Choice(CLASSES), help="Only this class."),
        click.option("--stream", type=STREAMS, help="Only this stream."),
        connection_option,
    ):
        command = option(command)
    return command


def filter_from(options: dict[str, Any], **more: Any) -> RejectionFilter:
    """Return the filter that the options of ``filter_options`` describe."""
    days = {
        f"{end}_day": options[end].date() if options[end] else None for end in ("first", "last")
    }
    if (partition := options["partition"]) is not None:
        if any(days.values()):
            raise click.UsageError("Give --partition, or --from and --to.")
        days = dict.fromkeys(days, partition.day)
        more |= {"hour": partition.hour}
    apart = ("first", "last", "partition")
    rest = {name: value for name, value in options.items() if name not in apart}
    return RejectionFilter(**rest | days | more)
