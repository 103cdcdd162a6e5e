"""Rows of a sheet as listings, and what became of each: a faulty row keeps none of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.connections import LISTINGS
from domain.records.listings import Listing
from domain.records.record import InvalidRecord
from domain.schemas.listings import listing_problems
from domain.text import printable
from resources.ledger.records.products import Products
from resources.ledger.session import Session

DONE = "done"
LONGEST_RESULT = 500


@dataclass(slots=True)
class Wanted:
    """A row that asks for something, or says why it can't."""

    number: int
    """Of the row; the command line's own request has 0."""
    cells: Mapping[str, str]
    problems: tuple[str, ...] = ()
    listing: Listing | None = None
    result: str = ""


def resolve(products: Products, rows: Sequence[Wanted]) -> None:
    """Find the product of each row by its SKU, and check what it wants; note what is wrong.

    A product is named once in a sheet: of two rows without faults, the first counts.
    """
    skus = {row.cells.get("sku", "") for row in rows if not row.problems}
    known = products.products_of(sorted(skus - {""}))
    for row in rows:
        if not row.problems:
            ids = known.get(row.cells["sku"], ())
            if len(ids) == 1:
                _want(row, ids[0])
            else:
                row.problems = (_not_one(row.cells["sku"], ids),)
    _check(rows)
    taken: dict[str, int] = {}
    for row in rows:
        if row.listing is None:
            continue
        first = taken.setdefault(row.listing.product_id, row.number)
        if first != row.number:
            row.problems = (f"row {first} is about the same product",)
            row.listing = None


def _want(row: Wanted, product_id: str) -> None:
    cells = row.cells
    images = cells["images"].split() if "images" in cells else None
    try:
        row.listing = Listing(
            product_id=product_id,
            sku=cells["sku"],
            name=cells.get("title"),
            description=cells.get("description"),
            warranty=cells.get("warranty"),
            images=None if images is None else tuple(images),
        )
    except InvalidRecord as error:
        row.problems = (f"{error.field}: {error.message}",)


def _check(rows: Sequence[Wanted]) -> None:
    """Check all listings at once: a frame costs the same for one row as for thousands."""
    checked = [row for row in rows if row.listing is not None]
    listings = [row.listing for row in checked if row.listing is not None]
    if not listings:
        return
    for place, problems in listing_problems(listings).items():
        row = checked[place]
        row.problems = tuple(f"{one.message}; {one.advice}" for one in problems)
        row.listing = None


def _not_one(sku: str, ids: Sequence[str]) -> str:
    if not ids:
        return (
            f"the store has no product with the SKU {sku}, as of the last read of its catalog; "
            "correct the SKU, or run the stream catalog"
        )
    return f"several products of the store have the SKU {sku}: {', '.join(ids[:5])}"


def note_results(session: Session, rows: Sequence[Wanted]) -> bool:
    """Note what became of each row; return whether all of them are done.

    ``session`` is of the stream ``listings``.
    """
    ids = [row.listing.product_id for row in rows if row.listing is not None]
    outcomes, rejections = _outcomes(session, ids), _rejections(session, ids)
    for row in rows:
        if row.listing is None:
            text = f"not used: {'; '.join(row.problems)}"
        elif why := rejections.get(row.listing.product_id):
            text = f"rejected: {why}"
        elif outcomes.get(row.listing.product_id) in ("delivered", "unchanged"):
            text = DONE
        else:
            text = "waits, and is sent as soon as possible: see lockstep status"
        row.result = printable(text, LONGEST_RESULT)
    return all(row.result == DONE for row in rows)


def _outcomes(session: Session, ids: Sequence[str]) -> dict[str, str | None]:
    rows = session.db.execute(
        """SELECT DISTINCT ON (source_id) source_id, outcome FROM sync.record
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b::text[])
           ORDER BY source_id, source_updated_at DESC""",
        (session.connection, LISTINGS, list(ids)),
    )
    return dict(rows.fetchall())


def _rejections(session: Session, ids: Sequence[str]) -> dict[str, str]:
    rows = session.db.execute(
        """SELECT source_id, string_agg(message || '; ' || advice, '; ' ORDER BY rejection_id)
           FROM sync.rejection
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b::text[])
             AND state IN ('open', 'retried')
           GROUP BY source_id""",
        (session.connection, LISTINGS, list(ids)),
    )
    return dict(rows.fetchall())


def exported(session: Session) -> Iterator[tuple[str, ...]]:
    """Yield a row of the template for each product of the store that has a SKU.

    ``session`` is of the stream ``catalog``.
    """
    for product in session.products.newest():
        sku = next((one.sku for one in product.variants if one.sku), "")
        yield sku, product.name, product.description, product.warranty, ""
