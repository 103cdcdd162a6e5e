"""The project's categories, by their keys and their names in the connection's language."""

from __future__ import annotations

from domain.categories import Categories, Category
from domain.parsing.answers import document_of
from resources.http.client import ApiClient
from resources.platforms.commercetools.client import query_by_id
from resources.platforms.commercetools.listings.payload import CATEGORIES, CategoryRow
from resources.platforms.commercetools.orders.texts import name_of

PATH, SCOPE, PAGE = "/categories", "view_products", 500


def categories_of(http: ApiClient, locales: tuple[str, ...]) -> Categories:
    """Read all categories of the project."""
    pages = query_by_id(http, PATH, [], PAGE, SCOPE)
    rows = [document_of(f"commercetools: GET {PATH}", r, CATEGORIES) for p in pages for r in p]
    return Categories({row.id: _category(row, locales) for row in rows if row.id})


def _category(row: CategoryRow, locales: tuple[str, ...]) -> Category:
    parent = (row.parent.id if row.parent is not None else None) or ""
    return Category(name_of(row.name, locales), parent, row.key or "")
