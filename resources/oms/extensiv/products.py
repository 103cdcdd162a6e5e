"""Products of an account, read one by one: each is a call of the leaky bucket of all reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import orjson

from domain.errors import AccessRefused, LockstepError, RateLimited
from domain.identity import fallback_id, is_id
from resources.http.client import ApiClient
from resources.oms.extensiv.client import fetch_one, path_of
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.stock_list import NO_ROW

UNREAD = "lockstep_unread"
"""The field of Lockstep's own that says why a product could not be read."""
MOST_UNREAD = 3
"""Products of a read that can't be read before the account counts as failing."""


def rows_of(
    client: ApiClient, settings: ExtensivSettings, ids: Collection[str]
) -> Iterator[tuple[str, bytes | LockstepError]]:
    """Yield SKU and row of each product that the account has, then those that can't be read.

    These come with the error, to become rejections. Raises the account's fault if none can be
    read, or too many can't.
    """
    unread: dict[str, LockstepError] = {}
    answered = 0
    for sku in dict.fromkeys(ids):
        try:
            row = fetch_one(client, settings.codes, path_of(settings.paths.product, sku=sku))
        except (AccessRefused, RateLimited):
            raise
        except LockstepError as error:
            unread[sku] = error
            if len(unread) > MOST_UNREAD:
                raise
            continue
        answered += 1
        if row is not None and row not in NO_ROW:
            yield sku, row
    if unread and not answered:
        raise next(iter(unread.values()))
    yield from unread.items()


def unread_row(sku: str, error: LockstepError) -> tuple[bytes, bytes]:
    """Return what is captured instead of a product, and its content, the same each time."""
    return orjson.dumps({"sku": sku, UNREAD: str(error)}), orjson.dumps([sku, UNREAD])


def name_of(sku: str, row: bytes, suffix: str = "") -> str:
    """Return the record's id of a product: its SKU, unless that can't be an id."""
    return f"{sku}{suffix}" if sku and is_id(f"{sku}{suffix}") else fallback_id(row)
