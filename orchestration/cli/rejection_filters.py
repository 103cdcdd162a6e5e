"""The options by which rejections are chosen, shared by the commands that act on many."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from domain.rejection_codes import CLASSES
from orchestration.cli.output import connection_option
from resources.ledger.rejections.work_queue import RejectionFilter

STREAMS = click.Choice(["orders", "inventory", "shipments"])
STAGES = click.Choice(["captured", "validated", "delivered"])
DAY = click.DateTime(["%Y-%m-%d"])
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Span(click.ParamType[timedelta]):
    """A span such as ``30m``, ``2h``, ``3d``."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read the span."""
        match = re.fullmatch(r"(\d{1,6})([mhdw])", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no span; write 30m, 2h, 3d or 1w", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


def choosing(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose rejections by what they are."""
    for option in (
        click.option(
            "--to", "last", type=DAY, help="Only partitions up to this day (UTC), inclusive."
        ),
        click.option(
            "--from",
            "first",
            type=DAY,
            help="Only partitions from this day on (UTC, of the source's modification time).",
        ),
        click.option(
            "--newer-than",
            type=Span(),
            metavar="SPAN",
            help="Only those that were opened less long ago.",
        ),
        click.option(
            "--older-than",
            type=Span(),
            metavar="SPAN",
            help="Only those that have been open for longer, e.g. 2h or 3d.",
        ),
        click.option("--owner", help="Only those of this owner's connections."),
        click.option("--stage", type=STAGES, help="Only those of this step."),
        click.option("--code", help="Only this code, e.g. sku_unknown."),
        click.option("--class", "category", type=click.Choice(CLASSES), help="Only this class."),
        click.option("--stream", type=STREAMS, help="Only this stream."),
        connection_option,
    ):
        command = option(command)
    return command


def choice_of(chosen: dict[str, Any], **more: Any) -> RejectionFilter:
    """Return the choice that the options of ``choosing`` make."""
    days = {f"{end}_day": chosen[end].date() if chosen[end] else None for end in ("first", "last")}
    return RejectionFilter(
        **{name: value for name, value in chosen.items() if name not in ("first", "last")}
        | days
        | more
    )
