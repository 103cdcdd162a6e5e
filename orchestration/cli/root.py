"""The command group and what all commands share."""

from __future__ import annotations

import sys

import click

from domain.errors import LockstepError
from orchestration.cli.demo import demo


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lockstep")
def lockstep() -> None:
    """Keep commerce stores and order management systems in step."""


lockstep.add_command(demo)


def main() -> None:
    """Run the command line; an error of ours ends in one line on stderr and exit code 1, not in a traceback."""
    try:
        lockstep()
    except LockstepError as error:
        click.echo(f"lockstep: {error}", err=True)
        sys.exit(1)
