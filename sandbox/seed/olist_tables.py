"""The public Olist tables: which files they are, and their rows by order id, bad rows reported."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from sys import intern

from sandbox.seed.seedset import Unreadable
from sandbox.seed.tables import Row, moment, rows

REQUIRED = ("orders", "order_items", "customers", "order_payments", "products")
CATEGORIES = "product_category_name_translation"

Item = tuple[str, str, str, str]
Payment = tuple[str, str, str]


@dataclass(slots=True)
class Tables:
    """The rows of one folder by order id; ``sequence`` is the order of integer ids."""

    orders: dict[str, dict[str, str]] = field(default_factory=dict)
    items: dict[str, list[Item]] = field(default_factory=lambda: defaultdict(list))
    payments: dict[str, list[Payment]] = field(default_factory=lambda: defaultdict(list))
    customers: dict[str, tuple[int, str, str, str, str]] = field(default_factory=dict)
    products: dict[str, tuple[int, str]] = field(default_factory=dict)
    sequence: list[str] = field(default_factory=list)
    newest: datetime = datetime(2018, 1, 1, tzinfo=UTC)
    unreadable: list[Unreadable] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def files(folder: Path) -> dict[str, Path]:
    """Return the tables in a folder by plain name; a plain file wins over its ``.gz``."""
    present = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
    found: dict[str, Path] = {}
    for table in (*REQUIRED, CATEGORIES):
        names = [
            f"{stem}{suffix}"
            for suffix in (".csv", ".csv.gz")
            for stem in (table, f"olist_{table}_dataset")
        ]
        match = next((present[name] for name in names if name in present), None)
        if match:
            found[table] = match
    return found


def read_tables(folder: Path, whole_catalogue: bool) -> Tables:
    """Read every table of a folder; raises ValueError naming the tables that are missing."""
    found = files(folder)
    missing = [table for table in REQUIRED if table not in found]
    if missing:
        wanted = ", ".join(
            f"{table}.csv[.gz] (or olist_{table}_dataset.csv[.gz])" for table in missing
        )
        raise ValueError(f"{folder} is not a complete folder of Olist tables: it lacks {wanted}")
    tables = Tables()
    _read_orders(found["orders"], tables)
    _read_items(found["order_items"], tables)
    _read_payments(found["order_payments"], tables)
    _read_customers(found["customers"], tables)
    _read_products(found, tables, whole_catalogue)
    return tables


def _report(tables: Tables, path: Path, row: Row, reason: str) -> None:
    tables.unreadable.append(Unreadable(path.name, row.line, reason))


def _usable(tables: Tables, path: Path) -> Iterator[tuple[Row, str]]:
    """Yield rows with their order id; the others are reported."""
    for row in rows(path):
        order_id = row.fields.get("order_id", "").strip()
        if row.problem or not order_id:
            _report(tables, path, row, row.problem or "no order_id")
            continue
        yield row, order_id


def _read_orders(path: Path, tables: Tables) -> None:
    for row, order_id in _usable(tables, path):
        if order_id in tables.orders:
            _report(tables, path, row, f"order {order_id} occurs earlier in the table")
            continue
        tables.orders[order_id] = {
            name: intern(text) if name == "order_status" else text
            for name, text in row.fields.items()
        }
    times = {
        key: moment(order.get("order_purchase_timestamp", ""))
        for key, order in tables.orders.items()
    }
    known = [at for at in times.values() if at]
    tables.newest = max(known, default=tables.newest)
    latest = datetime.max.replace(tzinfo=UTC)
    tables.sequence = sorted(tables.orders, key=lambda key: (times[key] or latest, key))


def _read_items(path: Path, tables: Tables) -> None:
    for row, order_id in _usable(tables, path):
        if order_id not in tables.orders:
            _report(
                tables, path, row, f"an item of order {order_id}, which is not in the orders table"
            )
            continue
        get = row.fields.get
        tables.items[order_id].append(
            (
                intern(get("product_id", "")),
                intern(get("seller_id", "")),
                get("price", ""),
                get("freight_value", ""),
            )
        )


def _read_payments(path: Path, tables: Tables) -> None:
    for row, order_id in _usable(tables, path):
        # The published table is larger than most samples of orders: counted, not listed.
        if order_id not in tables.orders:
            tables.counts["payments_of_other_orders"] += 1
            continue
        get = row.fields.get
        tables.payments[order_id].append(
            (
                get("payment_sequential", ""),
                intern(get("payment_type", "")),
                get("payment_value", ""),
            )
        )
    for payments in tables.payments.values():
        payments.sort(key=lambda payment: (len(payment[0]), payment[0]))


def _read_customers(path: Path, tables: Tables) -> None:
    wanted = {order.get("customer_id", "") for order in tables.orders.values()}
    numbers: dict[str, int] = {}
    for row in rows(path):
        get = row.fields.get
        key, unique = get("customer_id", ""), get("customer_unique_id", "")
        if row.problem or not key:
            _report(tables, path, row, row.problem or "no customer_id")
        elif key in wanted:
            number = numbers.setdefault(unique, len(numbers) + 1) if unique else 0
            place = (
                get("customer_city", ""),
                get("customer_state", ""),
                get("customer_zip_code_prefix", ""),
            )
            tables.customers[key] = (number, unique[:8], *place)


def _read_products(found: dict[str, Path], tables: Tables, whole: bool) -> None:
    english: dict[str, str] = {}
    for row in rows(found[CATEGORIES]) if CATEGORIES in found else ():
        english[row.fields.get("product_category_name", "")] = row.fields.get(
            "product_category_name_english", ""
        )
    ordered = {item[0] for items in tables.items.values() for item in items}
    for number, row in enumerate(rows(found["products"]), 1):
        sku = row.fields.get("product_id", "")
        if row.problem or not sku:
            _report(tables, found["products"], row, row.problem or "no product_id")
        elif whole or sku in ordered:
            category = row.fields.get("product_category_name", "")
            label = (english.get(category) or category or "produto").replace("_", " ")
            tables.products.setdefault(intern(sku), (number, f"{label} {sku[:8]}"))
