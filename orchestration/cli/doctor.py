"""``lockstep doctor``: checks the installation and says what to do."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click
from rich.text import Text

from domain.exchange import Check
from orchestration.cli import diagnosis
from orchestration.cli.output import examples, json_option, print_json, print_table


@click.command(
    epilog=examples(
        "lockstep doctor",
        "lockstep doctor --offline --json",
        exit_codes="0 all is well, 1 something is wrong",
    )
)
@click.option("--offline", is_flag=True, help="Leave the remote systems out.")
@json_option
def doctor(offline: bool, as_json: bool) -> None:
    """Check the installation, and say what to do about each thing that is wrong.

    Looks at Python, the home folder, the disk, the database and its schema, connections.yaml, secrets (never shown), both systems of each
    connection (with calls that change nothing), and Dagster with its definitions and daemon.
    """
    checks = list(diagnosis.diagnose(offline=offline))
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(("check", "result", "found", "what to do"), [_cells(check) for check in checks])
    if not all(check.ok for check in checks):
        sys.exit(1)


def _cells(check: Check) -> list[object]:
    return [check.name, Text("ok", style="green") if check.ok else Text("FAILED", style="red"), check.detail, check.advice]
