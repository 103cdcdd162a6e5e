"""The names of a store's brands and categories, which its products refer to by id."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from domain.parsing.payload import Document, Scalar
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.catalog import READS_PRODUCTS
from resources.platforms.bigcommerce.client import pages_of
from resources.platforms.bigcommerce.settings import CATALOG_PAGE


class Named(Document):
    """A brand or a category; a category may be in another one."""

    id: Scalar = None
    name: Scalar = None
    parent_id: Scalar = None


_NAMES = msgspec.json.Decoder(Named)


def names_of(http: ApiClient, path: str) -> dict[int, str]:
    """Return the names of brands or categories by id."""
    return {number: name for number, name, _ in rows_of(http, path)}


def rows_of(http: ApiClient, path: str) -> Iterator[tuple[int, str, int]]:
    """Yield id, name and the id of what it is in (0: nothing); what can't be read is left out."""
    for page in pages_of(http, path, {"limit": CATALOG_PAGE}, READS_PRODUCTS):
        for raw in page:
            try:
                named = _NAMES.decode(raw)
            except (ValueError, RecursionError):
                continue
            if type(named.id) is int and isinstance(named.name, str):
                parent = named.parent_id if type(named.parent_id) is int else 0
                yield named.id, named.name, parent
