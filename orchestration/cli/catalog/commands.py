"""``lockstep catalog``: how the store's catalog compares with the OMS's items, and listings."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import click

from assets.streams.catalog.alignment import compare
from domain.connections import CATALOG
from domain.rules.alignment import MATCHED, MEANINGS
from orchestration.cli.context import connection_of, open_database, streams_of
from orchestration.cli.output import at, examples, json_option, print_json, print_table
from orchestration.cli.root import LazyGroup
from orchestration.settings import load
from resources.ledger.records.alignment import Alignment, Alignments
from resources.lockstep import Lockstep
from resources.sheets.writer import refuse_to_replace, write

SHOWN = 20
COLUMNS = ("finding", "SKU", "product", "variant", "name", "detail")


@click.group(
    cls=LazyGroup,
    lazy={
        "template": ("catalog.listings:template", "Write an empty sheet of products."),
        "export": ("catalog.listings:export", "Write the store's products into a sheet."),
        "import": (
            "catalog.listings:import_",
            "Write texts and pictures from a sheet to the store.",
        ),
        "from-oms": ("catalog.item_listings:from_oms", "List items of the OMS in the store."),
        "set": ("catalog.listings:set_", "Write texts and pictures of one product to the store."),
    },
    epilog=examples(
        "lockstep catalog report acme_us",
        "lockstep catalog import acme_us products.xlsx --dry-run",
    ),
)
def catalog() -> None:
    """Compare the store's catalog with the OMS's items, and change products."""


@catalog.command(
    epilog=examples(
        "lockstep catalog report acme_us --refresh",
        "lockstep catalog report acme_us --kind duplicate_sku --excel duplicates.xlsx",
        exit_codes="0 success, 1 the catalog was never read or aligned, 2 wrong usage",
    )
)
@click.argument("connection")
@click.option("--kind", type=click.Choice(list(MEANINGS)), help="Only findings of this kind.")
@click.option(
    "--limit", type=click.IntRange(0), default=SHOWN, show_default=True, help="Findings to print."
)
@click.option("--refresh", is_flag=True, help="Look items up at the OMS and compare now.")
@click.option(
    "--excel",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write all findings into a workbook.",
)
@json_option
def report(
    connection: str,
    kind: str | None,
    limit: int,
    *,
    refresh: bool,
    excel: Path | None,
    as_json: bool,
) -> None:
    """Print which products of the store and items of the OMS match, and which don't.

    Shows the last alignment, which is repeated after deliveries of the stream catalog.
    """
    installation = load()
    streams_of(connection_of(installation, connection), connection, (CATALOG,))
    if refresh:
        _align(Lockstep(installation), connection)
    with open_database() as db:
        alignments = Alignments(db, connection)
        alignment = alignments.last()
        if alignment.aligned_at is None:
            raise click.ClickException(
                f"The catalog of {connection} has not been aligned yet: start the stream, or use "
                "--refresh."
            )
        found = list(alignments.findings(kind, limit))
        if excel is not None:
            refuse_to_replace(excel)
            count = write(excel, "alignment", COLUMNS, alignments.findings(kind))
            click.echo(f"{excel}: {count} findings", err=True)
    if as_json:
        print_json(alignment._asdict() | {"findings": [one._asdict() for one in found]})
        return
    _print(connection, alignment)
    if found:
        print_table(COLUMNS, found)


def _align(lockstep: Lockstep, connection: str) -> None:
    try:
        sync = lockstep.sync(connection, f"cli-{uuid4().hex}")
        with sync.ledger.session(connection, CATALOG, sync.run_id) as session:
            if session.products.read_at() is None:  # everything would look missing in the store
                raise click.ClickException(
                    f"The catalog of {connection} has not been read completely yet. The stream "
                    f"reads it in its first run: lockstep resume {connection} --streams catalog."
                )
            compare(sync, session)
    finally:
        lockstep.close()


def _print(connection: str, alignment: Alignment) -> None:
    rows: list[tuple[object, ...]] = [
        (MATCHED, alignment.counts.get(MATCHED, 0), "both systems have the SKU", "-")
    ]
    for kind, (meaning, advice) in MEANINGS.items():
        unknown = kind == "missing_in_store" and not alignment.is_listed
        count = "unknown" if unknown else alignment.counts.get(kind, 0)
        text = "the OMS can't list its items" if unknown else meaning
        rows.append((kind, count, text, "-" if unknown else advice))
    title = f"{connection}, aligned {at(alignment.aligned_at)}"
    print_table(("finding", "SKUs", "meaning", "what to do"), rows, numbers=("SKUs",), title=title)
