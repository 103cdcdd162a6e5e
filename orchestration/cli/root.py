"""The command group ``lockstep``: lazy commands, exit codes, and errors on stderr."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
import psycopg

from domain.errors import LockstepError
from domain.parsing.text import printable

COMMANDS: dict[str, tuple[str, str]] = {
    "up": (
        "machine.up:up",
        "Run everything on this machine: database, sandbox, Dagster's UI and daemon.",
    ),
    "demo": (
        "machine.demo:demo",
        "Run everything once between two sandbox systems and verify both ends.",
    ),
    "status": ("status:status", "Show lag, open rejections and stuck records of each stream."),
    "trace": ("trace:trace", "Show the history of one order."),
    "rejections": (
        "rejections.commands:rejections",
        "List, show, retry or discard records kept out of delivery.",
    ),
    "connect": ("connect:connect", "Check both systems of a connection and sync its recent past."),
    "pause": ("pause:pause", "Pause a connection or some of its streams."),
    "resume": ("pause:resume", "Resume or start a connection or some of its streams."),
    "replay": ("replay:replay", "Rerun past days of a connection."),
    "sync-orders": ("sync:sync_orders", "Sync single orders, or the orders of some days, now."),
    "sync-stock": ("sync:sync_stock", "Sync the stock of some SKUs, or all of it, now."),
    "catalog": (
        "catalog.commands:catalog",
        "Compare the store's catalog with the OMS's items, change products by sheet.",
    ),
    "action": ("action:action", "Cancel, hold, release or reroute an order at the OMS."),
    "reconcile": ("reconcile:reconcile", "Compare store, OMS and ledger, and repair drift."),
    "events": (
        "events:events",
        "List, show or discard messages of queues that can't be read.",
    ),
    "webhooks": ("machine.webhooks:webhooks", "Serve the webhook endpoint."),
    "forget": ("privacy:forget", "Erase a customer's personal data from the ledger."),
    "retention": ("privacy:retention", "Delete data older than its retention period."),
    "doctor": ("machine.doctor:doctor", "Check the installation and suggest fixes."),
    "db": ("machine.database:db", "Start and stop the embedded PostgreSQL."),
    "migrate": ("machine.database:migrate_command", "Apply missing schema migrations."),
    "restored": (
        "machine.database:restored_command",
        "Check both systems before creating anything, after a restore.",
    ),
}
"""Name -> (module:command, one line of help), in the order in which a new user needs them."""

LONGEST_MESSAGE = 600
LONGEST_HELP_LINE = 200
FIRST_STEPS = """\b
First steps:
  lockstep up                  run everything here, with simulated systems
  lockstep connect CONNECTION  check both systems and sync the last 90 days
  lockstep status              is everything in sync?
  lockstep trace ORDER         what happened to this order?

Exit codes: 0 success, 1 error (one sentence on stderr), 2 wrong usage."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is used.

    ``lazy`` is name -> (module:command below ``orchestration.cli``, one line of help).
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the group's own commands, then the lazy ones in their given order."""
        return [*super().list_commands(ctx), *self._lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing its module if necessary."""
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, name = self._lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"orchestration.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        own = [
            (name, self.commands[name].get_short_help_str(limit=LONGEST_HELP_LINE))
            for name in super().list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl([*own, *((name, text) for name, (_, text) in self._lazy.items())])


CONNECTION_FAULTS = ("sqlalchemy.exc.OperationalError", "sqlalchemy.exc.InterfaceError")


class ExpectedError(click.ClickException):
    """An error that needs no traceback: one sentence on stderr, exit code 1."""

    def show(self, file: Any = None) -> None:
        """Print the sentence after the program's name."""
        click.echo(f"lockstep: {self.format_message()}", file=file, err=True)


class Commands(LazyGroup):
    """The top group, which turns Lockstep's and the database's errors into sentences."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an expected error prints no traceback."""
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:  # it repeats the user's input, which may hold anything
            message = printable(error.format_message(), LONGEST_MESSAGE)
            raise click.UsageError(message, error.ctx) from None
        except LockstepError as error:
            raise ExpectedError(str(error)) from error
        except (psycopg.DataError, UnicodeEncodeError, OverflowError) as error:
            # A NUL, half a surrogate pair, a number or date out of range: no such value is stored.
            reason = printable(str(error), LONGEST_MESSAGE)
            raise ExpectedError(f"The database can't look up a given value: {reason}") from error
        except (
            psycopg.errors.UndefinedTable,
            psycopg.errors.InvalidSchemaName,
            psycopg.errors.UndefinedColumn,
        ) as error:
            raise ExpectedError(
                "The database's schema does not match this version; run 'lockstep migrate'."
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            embedded = import_module("resources.ledger.database.embedded")
            raise ExpectedError(embedded.access_problem(error)) from error
        except psycopg.OperationalError as error:
            raise _unreachable(error) from error
        except Exception as error:
            # Dagster's storage reaches the database by SQLAlchemy, which is not imported for this.
            if f"{type(error).__module__}.{type(error).__name__}" not in CONNECTION_FAULTS:
                raise
            raise _unreachable(getattr(error, "orig", None) or error) from error


def _unreachable(error: BaseException) -> ExpectedError:
    lines = str(error).strip().splitlines() or ["no reason given"]
    return ExpectedError(
        f"The database can't be reached ({lines[-1].strip()}); run 'lockstep doctor'."
    )


@click.group(
    cls=Commands,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=FIRST_STEPS,
)
@click.version_option(package_name="lockstep")
def lockstep() -> None:
    """Keep commerce stores and order management systems in sync."""


def main() -> None:
    """Run the command line."""
    lockstep(prog_name="lockstep")
