"""Rows of a sheet as listings, and the outcome of each: a faulty row keeps none of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from assets.streams.listings.group import Wanted, listing_of, units_of
from domain.categories import joined
from domain.parsing.text import printable
from domain.records.catalog import Product
from domain.records.listings import Listing
from domain.records.record import InvalidRecord
from domain.schemas.listings import ALL_FIELDS, LONGEST_NAME, listing_problems
from domain.skus import sku_key
from resources.ledger.records import listings
from resources.ledger.records.products import Products
from resources.ledger.session import Session
from resources.sheets.reader import COLUMNS, NEW_COLUMNS

DONE, TAKEN = "done", ("delivered", "unchanged")
LONGEST_RESULT = 500
CUT = 50
"""By how much a cut title may be shorter than the longest: a combined character is not split."""
NONE_WAIT: Mapping[str, str] = {}
UNREAD = "the store's catalog has not been read completely yet; run the stream catalog"


def resolve(
    products: Products,
    rows: Sequence[Wanted],
    *,
    creates: bool = False,
    fields: Collection[str] = ALL_FIELDS,
    needs: Collection[str] = (),
    waiting: Mapping[str, str] = NONE_WAIT,
) -> None:
    """Find the product of each row by its SKU, and check what it wants; note what is wrong.

    A product is named once in a sheet, or by the rows of one group: of two others without faults,
    the first counts. ``creates``: what the store does not have is to be created. ``fields`` and
    ``needs`` are the target's. ``waiting`` are variants that wait to be created: SKU key -> the SKU
    that names their product.
    """
    units = units_of(rows)
    skus = {row.sku for unit in units for row in unit}
    known = products.products_of(sorted(skus))
    absent = skus - known.keys()
    spelled = products.spellings(sorted(absent)) if creates and absent else {}
    is_read = not (creates and absent) or products.read_at() is not None
    for unit in units:
        new = [row for row in unit if not known.get(row.sku)]
        found = {one for row in unit for one in known.get(row.sku, ())}
        if new and len(found) < 2 and creates:
            reason = (_not_new(new, spelled) or _waits(unit, waiting)) if is_read else UNREAD
            _want(unit, found.pop() if found else None, reason, {row.sku for row in new})
        elif len(found) == 1 and not new:
            _want(unit, found.pop())
        else:
            _refuse(unit, known)
    check(units, fields, needs)
    _refuse_named_again(units)


def _refuse_named_again(units: Iterable[Sequence[Wanted]]) -> None:
    """Refuse the units whose product an earlier one without faults names, too."""
    taken: dict[tuple[str, str], int] = {}
    for unit in units:
        listing, number = unit[0].listing, unit[0].number
        if listing is None:
            continue
        names = [("product", listing.product_id), *(("sku", sku_key(s)) for s in listing.skus)]
        firsts = [taken.setdefault(name, number) for name in names]
        if (first := min(firsts)) != number:
            for row in unit:
                row.listing, row.problems = None, (f"row {first} names the same product",)


def listings_of(rows: Sequence[Wanted]) -> list[Listing]:
    """Return what is asked for, once for each product."""
    return list({row.listing.product_id: row.listing for row in rows if row.listing}.values())


def _want(
    unit: Sequence[Wanted],
    product_id: str | None,
    reason: str = "",
    lacks: Collection[str] = (),
) -> None:
    problem, listing = reason, None
    if not reason:
        try:
            listing = listing_of(unit, product_id, lacks if product_id is not None else ())
        except InvalidRecord as error:
            problem = f"{error.field}: {error.message}"
    for row in unit:
        row.listing = listing
        row.problems = () if listing is not None else (problem,)


def _refuse(unit: Sequence[Wanted], known: Mapping[str, Sequence[str]]) -> None:
    """Note what is wrong where the SKUs of rows are not those of one product."""
    faults = [_not_one(row.sku, known.get(row.sku, ())) for row in unit]
    several = "the SKUs of the group are not those of one product of the store"
    for row, fault in zip(unit, faults, strict=True):
        row.problems = (fault or several,)


def _not_new(unit: Sequence[Wanted], spelled: Mapping[str, str]) -> str:
    """Return why what the store lacks is not created; empty if it is."""
    for row in unit:
        if row.sku in spelled:
            return (
                f"the store has {spelled[row.sku]}, which differs from {row.sku} in case or spaces "
                "only; write the SKU as the store does"
            )
    skus = [row.sku for row in unit]
    twice = next((sku for sku in skus if skus.count(sku) > 1), None)
    return f"the SKU {twice} occurs twice in the group" if twice is not None else ""


def _waits(unit: Sequence[Wanted], waiting: Mapping[str, str]) -> str:
    """Return why a row is not used that names a variant of another request; empty where none does.

    By itself it would be a product of its own, and the variant could not be created any more.
    """
    own = {sku_key(row.sku) for row in unit}
    for row in unit:
        first = waiting.get(sku_key(row.sku))
        if first is not None and sku_key(first) not in own:
            return (
                f"the SKU {row.sku} is of a variant that waits to be created with {first}; import "
                "the rows of its group together, or discard that request"
            )
    return ""


def check(
    units: Sequence[Sequence[Wanted]], fields: Collection[str], needs: Collection[str]
) -> None:
    """Check all listings at once: a frame costs the same for one row as for thousands."""
    checked = [unit for unit in units if unit[0].listing is not None]
    listings = [unit[0].listing for unit in checked if unit[0].listing is not None]
    if not listings:
        return
    for place, problems in listing_problems(listings, fields, needs).items():
        for row in checked[place]:
            row.problems = tuple(f"{one.message}; {one.advice}" for one in problems)
            row.listing = None


def _not_one(sku: str, ids: Sequence[str]) -> str:
    if len(ids) == 1:
        return ""
    if not ids:
        return (
            f"the store has no product with the SKU {sku}, as of the last read of its catalog; "
            "correct the SKU, or run the stream catalog"
        )
    return f"several products of the store have the SKU {sku}: {', '.join(ids[:5])}"


def note_results(session: Session, rows: Sequence[Wanted]) -> bool:
    """Note the outcome of each row; return whether all of them are done.

    ``session`` is of the stream ``listings``.
    """
    ids = [row.listing.product_id for row in rows if row.listing is not None]
    outcomes = listings.outcomes(session.db, session.connection, ids)
    rejections = listings.rejections(session.db, session.connection, ids)
    for row in rows:
        if row.listing is None:
            text = f"not used: {'; '.join(row.problems)}"
        elif why := rejections.get(row.listing.product_id):
            text = f"rejected: {why}"
        elif (found := outcomes.get(row.listing.product_id)) and found.outcome in TAKEN:
            row.is_done, text = True, "; ".join(filter(None, (DONE, row.note, *found.notes)))
        else:
            text = "waits, and is sent as soon as possible: see lockstep status"
        row.result = printable(text, LONGEST_RESULT)
    return all(row.is_done for row in rows)


def exported(session: Session, fields: Collection[str] = ALL_FIELDS) -> Iterator[tuple[str, ...]]:
    """Yield a row of the template for each product of the store that has a SKU.

    ``session`` is of the stream ``catalog``, ``fields`` are those that listings can write.
    """
    for product in session.products.newest():
        yield row_of(product, fields)


def row_of(product: Product, fields: Collection[str] = ALL_FIELDS) -> tuple[str, ...]:
    """Return a product's row of the template.

    A title that the catalog may have cut is left out, and a text that is not the product's own:
    imported again, it would be written to the store.
    """
    texts = {
        "sku": next((one.sku for one in product.variants if one.sku), ""),
        "title": product.name if len(product.name) < LONGEST_NAME - CUT else "",
        "description": product.description,
        "warranty": product.warranty if "warranty" in fields else "",
        "brand": product.brand if "brand" in fields else "",
        "categories": joined(product.categories) if "categories" in fields else "",
    }
    written = texts | dict.fromkeys(product.inherited, "")
    return tuple(written.get(name, "") for name in (*COLUMNS, *NEW_COLUMNS))
