"""The SQL that the documentation shows fits the ledger: views, columns and whole statements."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg

from tests.docs.pages import PAGES, ROOT, name_of

SQL = re.compile(r"^ *```sql\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `history\.(\w+)` \| .* \| (.*) \|$", re.MULTILINE)


def test_every_quoted_query_is_accepted(database: str) -> None:
    """A query that names no such view or column fails in the reader's hands."""
    refused = []
    queries = list(_queries())
    with psycopg.connect(database, autocommit=True) as db:
        for page, query in queries:
            try:
                db.execute(f"EXPLAIN {query}".encode())
            except psycopg.Error as error:
                refused.append((page, query, str(error)))
    assert queries
    assert refused == []


def test_the_table_of_views_is_complete(database: str) -> None:
    """The page on SQL lists each view of the history, with columns that it has."""
    rows = dict(ROW.findall((ROOT / "docs" / "sql.md").read_text()))
    columns: dict[str, set[str]] = {}
    with psycopg.connect(database) as db:
        for view, column in db.execute(
            """SELECT table_name, column_name FROM information_schema.columns
               WHERE table_schema = 'history'"""
        ):
            columns.setdefault(view, set()).add(column)
    assert rows.keys() == columns.keys()
    assert {view: _named(text) - columns[view] for view, text in rows.items()} == {
        view: set() for view in rows
    }


def _queries() -> Iterator[tuple[str, str]]:
    """Yield each query with the name of its page, without comments."""
    for page in PAGES:
        for block in SQL.findall(page.read_text()):
            for statement in re.sub(r"--.*", "", block).split(";"):
                if statement.strip().startswith(("SELECT", "WITH")):
                    yield name_of(page), statement.strip()


def _named(text: str) -> set[str]:
    """Return the columns in a cell: words between commas, and the terms of a sum."""
    parts = re.split(r"[,=+]", re.sub(r"\([^)]*\)", "", text))
    return {name for part in parts if re.fullmatch(r"[a-z_]+", name := part.strip())}
