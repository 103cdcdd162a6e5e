"""``lockstep catalog template|export|import|set``: what the store's products should show."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import click

from assets.streams.listings.group import Wanted
from assets.streams.listings.sheet import exported, listings_of, note_results, resolve
from assets.streams.listings.stream import capture_listings, waiting_variants
from domain.connections import CATALOG, LISTINGS
from domain.listings import is_new
from domain.parsing.text import plural
from orchestration.cli.context import connection_of, streams_of
from orchestration.cli.output import examples, print_table
from orchestration.cli.runs import Chunk, run_each
from orchestration.settings import load
from resources.lockstep import Lockstep
from resources.sheets.reader import COLUMNS, NEW_COLUMNS, RESULT, read
from resources.sheets.writer import LONGEST, refuse_to_replace, write
from resources.sync import Sync

CODES = "0 all rows are done, 1 some are not, 2 wrong usage"
SHOWN = 20
SHEET = (*COLUMNS, *NEW_COLUMNS)
OPTIONS = ("title", "description", "warranty", "image", "brand", "category")
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=examples("lockstep catalog template products.xlsx"))
@click.argument("file", type=FILE)
def template(file: Path) -> None:
    """Write an empty sheet for titles, texts and pictures of products."""
    refuse_to_replace(file)
    write(file, "products", SHEET, ())
    click.echo(
        f"{file}: fill in a row for each product; an empty cell changes nothing. The columns "
        f"{', '.join(NEW_COLUMNS)} are for products that the store does not have yet."
    )


@click.command(epilog=examples("lockstep catalog export acme_us products.xlsx"))
@click.argument("connection")
@click.argument("file", type=FILE)
def export(connection: str, file: Path) -> None:
    """Write the store's products, as last read, into a sheet.

    Pictures, and descriptions that are too long for a cell, are left out. What a cell does not
    contain stays unchanged when the sheet is imported.
    """
    refuse_to_replace(file)
    lockstep, sync = _open(connection, (CATALOG,))
    try:
        with sync.ledger.session(connection, CATALOG) as session:
            rows = exported(session, sync.listings_target.fields)
            count = write(file, "products", SHEET, map(_fitting, rows))
    finally:
        lockstep.close()
    click.echo(f"{file}: {plural(count, 'product')}")


@click.command(
    "import",
    epilog=examples(
        "lockstep catalog import acme_us products.xlsx --dry-run",
        "lockstep catalog import acme_us products.xlsx --result outcome.xlsx",
        exit_codes=CODES,
    ),
)
@click.argument("connection")
@click.argument("file", type=FILE)
@click.option(
    "--result",
    type=FILE,
    help="Where to write the results; default: FILE with the suffix .result.xlsx.",
)
@click.option("--dry-run", is_flag=True, help="Only check the rows.")
def import_(connection: str, file: Path, result: Path | None, *, dry_run: bool) -> None:
    """Write titles, texts and pictures of a sheet (.xlsx or .csv) to the store's products.

    With catalog.create_products, a row whose SKU the store does not have creates a product.

    The whole sheet is read first. Rows without faults are written if the store differs. A copy
    of the sheet with the column "result" shows the outcome of each row.
    """
    target = result or file.with_name(f"{file.stem}.result.xlsx")
    refuse_to_replace(target)
    rows = [Wanted.of(row) for row in read(file)]
    is_done = _deliver(connection, rows, dry_run=dry_run)
    write(target, "products", (*SHEET, RESULT), _lines(rows))
    _summarise(rows)
    click.echo(f"{target}: the result of each row")
    if not is_done:
        sys.exit(1)


@click.command(
    "set",
    epilog=examples(
        'lockstep catalog set acme_us MUG-1 --title "Stoneware mug" --warranty "2 years"',
        exit_codes=CODES,
    ),
)
@click.argument("connection")
@click.argument("sku")
@click.option("--title", help="The product's name.")
@click.option("--description", help="May be HTML.")
@click.option("--warranty")
@click.option("--image", "images", multiple=True, metavar="URL", help="Repeatable; replaces all.")
@click.option("--brand", help="By its name.")
@click.option(
    "--category",
    "categories",
    multiple=True,
    metavar="NAME",
    help='By its name, or "Kitchen > Mugs". Repeatable; replaces all.',
)
@click.option("--price", metavar="AMOUNT", help="Of a new product.")
@click.option("--weight", metavar="NUMBER", help="Of a new product, in the store's unit.")
@click.option("--dry-run", is_flag=True, help="Only check the values.")
def set_(
    connection: str,
    sku: str,
    title: str | None,
    description: str | None,
    warranty: str | None,
    images: tuple[str, ...],
    brand: str | None,
    categories: tuple[str, ...],
    price: str | None,
    weight: str | None,
    *,
    dry_run: bool,
) -> None:
    """Write title, texts, pictures, brand or categories of the product with a SKU.

    With catalog.create_products, a SKU that the store does not have creates a product.
    """
    given = {"title": title, "description": description, "warranty": warranty, "brand": brand}
    given |= {"price": price, "weight": weight}
    cells = {"sku": sku, **{name: text for name, text in given.items() if text is not None}}
    if images:
        cells["images"] = "\n".join(images)
    if categories:
        cells["categories"] = "\n".join(categories)
    if cells.keys() <= {"sku", *NEW_COLUMNS}:
        names = ", ".join(f"--{name}" for name in OPTIONS)
        raise click.UsageError(f"Give at least one of {names}.")
    rows = [Wanted(0, cells)]
    is_done = _deliver(connection, rows, dry_run=dry_run)
    click.echo(f"{sku}: {rows[0].result}", err=not is_done)
    if not is_done:
        sys.exit(1)


def _deliver(connection: str, rows: Sequence[Wanted], *, dry_run: bool) -> bool:
    """Capture, validate and deliver the good rows; return whether all rows are done."""
    lockstep, sync = _open(connection, (CATALOG, LISTINGS))
    try:
        with sync.ledger.session(connection, LISTINGS) as session:
            resolve(
                session.products,
                rows,
                creates=sync.connection.catalog.create_products != "never",
                fields=sync.listings_target.fields,
                needs=sync.listings_target.needs,
                waiting=waiting_variants(session),
            )
            good = listings_of(rows)
            if dry_run:
                return _checked(rows)
            if good:
                captured = capture_listings(sync, good)
                wanted = [Chunk((LISTINGS,), at, at, tuple(ids)) for at, ids in captured.items()]
                for outcome in run_each(lockstep, connection, wanted, "listing"):
                    if outcome.error:
                        click.echo(f"{outcome.chunk}: {outcome}", err=True)
            return note_results(session, rows)
    finally:
        lockstep.close()


def _checked(rows: Sequence[Wanted]) -> bool:
    for row in rows:
        if row.listing is None:
            row.result = f"not used: {'; '.join(row.problems)}"
        else:
            made = is_new(row.listing.product_id)
            row.result = "would be created" if made else "would be written"
    return all(row.listing is not None for row in rows)


def _open(connection: str, streams: tuple[str, ...]) -> tuple[Lockstep, Sync]:
    installation = load()
    streams_of(connection_of(installation, connection), connection, streams)
    lockstep = Lockstep(installation)
    return lockstep, lockstep.sync(connection, f"cli-{uuid4().hex}")


def _lines(rows: Sequence[Wanted]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        yield *(row.cells.get(name, "") for name in SHEET), row.result


def _fitting(row: tuple[str, ...]) -> tuple[str, ...]:
    """Return a row without texts that a cell would cut: imported again, they would be lost."""
    return tuple(text if len(text) <= LONGEST else "" for text in row)


def _summarise(rows: Sequence[Wanted]) -> None:
    faulty = [row for row in rows if not row.is_done]
    click.echo(f"{plural(len(rows), 'row')}, {len(rows) - len(faulty)} done, {len(faulty)} not")
    if faulty:
        lines = [(row.number, row.cells.get("sku", "-"), row.result) for row in faulty[:SHOWN]]
        print_table(("row", "SKU", "result"), lines, numbers=("row",))
