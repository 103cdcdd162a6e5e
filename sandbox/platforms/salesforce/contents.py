"""Published contents of an org's CMS, as a delivery channel shows them.

Source: Connect REST API, CMS delivery, channel query (Managed Content Version Collection). What has
no address is not published. A channel's id starts with ``0ap``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.platforms.salesforce.book import Book
from sandbox.platforms.salesforce.replies import refuse

Json = dict[str, Any]
DEFAULT_PAGE, LONGEST_PAGE = 25, 250


def delivered(book: Book, channel: str, query: Mapping[str, list[str]]) -> Json:
    """Answer a page of a channel's contents: all of them, or those that are named."""
    if not channel.startswith("0ap"):
        raise refuse(404, "NOT_FOUND", "The requested resource does not exist")
    size = int(query.get("pageSize", [str(DEFAULT_PAGE)])[0])
    if not 1 <= size <= LONGEST_PAGE:
        raise refuse(400, "INVALID_QUERY", f"pageSize must be 1 to {LONGEST_PAGE}")
    page = int(query.get("page", ["0"])[0])
    asked = [name for name in ",".join(query.get("managedContentIds", [])).split(",") if name]
    rows = [row for row in book.rows("ManagedContent") if row["Address"] and not row["IsDeleted"]]
    found = [row for row in rows if not asked or row["Id"] in asked]
    shown = found[page * size : (page + 1) * size]
    return {"items": [_content(row) for row in shown], "total": len(found), "nextPageUrl": None}


def _content(row: Json) -> Json:
    picture = {
        "nodeType": "MediaSource", "mediaType": "Image", "isExternal": False,
        "url": f"{row['Address']}?signed", "unauthenticatedUrl": row["Address"],
    }  # fmt: skip
    title = {"nodeType": "NameField", "value": row["Name"]}
    return {
        "managedContentId": row["Id"],
        "contentKey": row["ContentKey"] or "",
        "type": "cms_image",
        "contentNodes": {"title": title, "source": picture},
    }
