"""Which rejections the current configuration can retry: their chains and days may be gone."""

from __future__ import annotations

from collections.abc import Sequence

import click

from domain.connections import Installation
from domain.errors import PermanentError
from domain.parsing.text import plural
from orchestration.cli.context import connection_of
from orchestration.cli.runs import check_days
from resources.ledger.rejections.work_queue import Rejection


def configured(installation: Installation, found: Sequence[Rejection]) -> list[Rejection]:
    """Return the rejections that can be retried; those that can't must not keep them back."""
    kept: list[Rejection] = []
    left_out: dict[str, int] = {}
    for rejection in found:
        try:
            check_configured(installation, [rejection])
        except PermanentError as error:
            left_out[str(error)] = left_out.get(str(error), 0) + 1
        else:
            kept.append(rejection)
    for reason, number in left_out.items():
        click.echo(f"lockstep: {plural(number, 'rejection')} left out: {reason}", err=True)
    return kept


def check_configured(installation: Installation, found: Sequence[Rejection]) -> None:
    """Raise ``PermanentError`` for a rejection whose chain or day the configuration lacks."""
    for name, stream in sorted({(r.connection, r.stream) for r in found}):
        if stream not in connection_of(installation, name).streams:
            raise PermanentError(
                f"The connection {name} has no stream {stream} any more (connections.yaml)."
            )
    for day in {r.source_day for r in found}:
        check_days(installation, day, day)
