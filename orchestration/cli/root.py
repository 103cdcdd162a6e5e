"""The command group, and what all commands share: exit codes, and errors as one plain sentence on stderr."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
import psycopg

from domain.errors import LockstepError
from domain.text import printable

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("up:up", "Run everything on this machine: database, sandbox, Dagster's UI and daemon."),
    "demo": ("demo:demo", "Run everything once between two sandbox systems and verify both ends."),
    "status": ("status:status", "Show how fresh each stream is, and what is open in it."),
    "trace": ("trace:trace", "Show everything that ever happened to one order."),
    "rejections": (
        "rejections:rejections",
        "List, show, retry or discard records kept out of delivery.",
    ),
    "connect": (
        "connect:connect",
        "Check both systems of a connection and bring the last days over.",
    ),
    "replay": ("replay:replay", "Run past days of a connection again, in bounded chunks."),
    "webhooks": ("webhooks:webhooks", "Take in webhooks of the stores and the OMSs."),
    "forget": ("privacy:forget", "Take a person out of the ledger."),
    "retention": ("privacy:retention", "Remove what is past its retention."),
    "reconcile": (
        "reconcile:reconcile",
        "Compare both systems of a connection, and heal what drifted.",
    ),
    "doctor": ("doctor:doctor", "Check the installation, and say what to do about what is wrong."),
    "db": ("database:db", "Start and stop the embedded PostgreSQL."),
    "migrate": ("database:migrate_command", "Bring the ledger's schema up to date."),
}
"""In the order in which a new user meets them."""


LONGEST_MESSAGE = 600
WHOLE_SENTENCE = 200
FIRST_STEPS = """\b
First steps:
  lockstep up                  everything on this machine, with simulated systems
  lockstep connect CONNECTION  check both systems and bring the last 90 days over
  lockstep status              is everything in step?
  lockstep trace ORDER         what happened to this order?

Exit codes: 0 all is well, 1 a fault (one sentence on stderr), 2 wrong usage."""


class LazyGroup(click.Group):
    """A group with commands of other modules: ``lazy`` is name -> (module:command below ``orchestration.cli``, one line of help)."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the group's own commands, then the others in their given order."""
        return [*super().list_commands(ctx), *self._lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing its module if need be."""
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, name = self._lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"orchestration.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        own = [
            (name, self.commands[name].get_short_help_str(limit=WHOLE_SENTENCE))
            for name in super().list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl([*own, *((name, text) for name, (_, text) in self._lazy.items())])


class Fault(click.ClickException):
    """An expected fault: one sentence on stderr, exit code 1."""

    def show(self, file: Any = None) -> None:
        """Print the sentence behind the program's name."""
        click.echo(f"lockstep: {self.format_message()}", file=file, err=True)


class Commands(LazyGroup):
    """The top group, which turns errors of ours into faults."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. An error that we foresee is no traceback."""
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:  # it repeats what was typed, which may hold anything
            raise click.UsageError(
                printable(error.format_message(), LONGEST_MESSAGE), error.ctx
            ) from None
        except LockstepError as error:
            raise Fault(str(error)) from error
        except (psycopg.DataError, UnicodeEncodeError, OverflowError) as error:
            # A zero byte, half a character, a number or a day beyond what the ledger holds: nothing in it has such a value.
            raise Fault(
                f"A value that was given can't be looked for: {printable(str(error), LONGEST_MESSAGE)}"
            ) from error
        except (
            psycopg.errors.UndefinedTable,
            psycopg.errors.InvalidSchemaName,
            psycopg.errors.UndefinedColumn,
        ) as error:
            raise Fault(
                "The database has no ledger of this version; run 'lockstep migrate' first."
            ) from error
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()
            raise Fault(
                f"The database can't be reached ({reason[-1].strip() if reason else 'no reason given'}); run 'lockstep doctor'."
            ) from error


@click.group(
    cls=Commands,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=FIRST_STEPS,
)
@click.version_option(package_name="lockstep")
def lockstep() -> None:
    """Keep commerce stores and order management systems in step."""


def main() -> None:
    """Run the command line."""
    lockstep(prog_name="lockstep")
