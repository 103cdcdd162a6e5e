"""What makes two versions of a document differ, where some of its fields say nothing new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from domain.exchange import RawRecord


def compared_without(record: RawRecord, strip: Callable[[dict[str, Any]], None]) -> RawRecord:
    """Return a record with the content by which its versions are compared.

    ``strip`` removes from the document what changes without a new version. A document that can't
    be read is compared as a whole.
    """
    try:
        document = orjson.loads(record.payload)
    except ValueError:
        return record
    if not isinstance(document, dict):
        return record
    strip(document)
    content = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return RawRecord(record.source_id, record.updated_at, record.payload, content)


def without(documents: object, *names: str) -> None:
    """Remove fields of an object, or of each object of a list."""
    for document in documents if isinstance(documents, list) else [documents]:
        if isinstance(document, dict):
            for name in names:
                document.pop(name, None)
