"""Adds to products what they only refer to: their parent of variations, and their pictures.

A captured product keeps its row, with what was added in the field ``Lockstep``. Everything is asked
for by the products' ids, up to 200 at a time: a page of 200 costs three calls, and one for each 25
pictures. Deleted rows are kept, since their time of change is when a picture went.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from domain.errors import PermanentError
from domain.parsing.answers import CONTRACT
from domain.parsing.payload import Document
from domain.targets import NO_LEVEL
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.salesforce.client import INSTALL, QueryClient, refuse_access
from resources.platforms.salesforce.fields import (
    ATTRIBUTE,
    MEDIA,
    PARENT_ID,
    STAMP,
    attribute_fields,
    media_fields,
    product_fields,
)
from resources.platforms.salesforce.product_settings import (
    CONTENTS_A_CALL,
    SOURCE_NODE,
    VARIATION,
)
from resources.platforms.salesforce.settings import IDS_A_CALL, SalesforceSettings
from resources.platforms.salesforce.soql import all_of, is_id, one_of, select, stamp

ADDED, STOCK = "Lockstep", "Stock"
"""Field of a captured product with what was added, and of that with the units available."""
Row = dict[str, msgspec.Raw]
_ROWS = msgspec.json.Decoder(Row)
_TEXTS = msgspec.json.Decoder(str)


class Node(Document):
    """A part of a content; a picture's has addresses."""

    unauthenticatedUrl: str | None = None  # noqa: N815 - the vendor's name
    url: str | None = None


class Content(Document):
    """A published content."""

    managedContentId: str = ""  # noqa: N815 - the vendor's name
    contentNodes: dict[str, msgspec.Raw] = {}  # noqa: N815 - likewise


class Contents(Document):
    """The answer of a delivery channel."""

    items: list[Content] = []


_CONTENTS = msgspec.json.Decoder(Contents)
_NODES = msgspec.json.Decoder(Node)


class Media:
    """The published pictures of one delivery channel of the org's CMS."""

    def __init__(self, http: ApiClient, channel: str) -> None:
        self._http = http
        self._path = f"/connect/cms/delivery/channels/{channel}/contents/query"

    def addresses(self, ids: Iterable[str]) -> dict[str, str]:
        """Return content -> address of its picture; what is not published in it is absent.

        Raises ``PermanentError`` if the channel can't be read.
        """
        wanted, found = sorted(set(ids)), dict[str, str]()
        for start in range(0, len(wanted), CONTENTS_A_CALL):
            some = wanted[start : start + CONTENTS_A_CALL]
            answer = self._answer({"managedContentIds": ",".join(some)})
            known = {each[:15]: each for each in some}
            for content in answer.items:
                name = known.get(content.managedContentId[:15])
                if name is not None and (address := _address(content)):
                    found[name] = address
        return found

    def check(self) -> str:
        """Ask for one published content; return what the channel has."""
        return f"the channel answers with {len(self._answer({}, size=1).items)} published content"

    def _answer(self, params: dict[str, str], size: int = CONTENTS_A_CALL) -> Contents:
        shown = {"page": "0", "pageSize": str(size), "showAbsoluteUrl": "true"}
        reply = self._http.request(
            "GET", self._path, params=params | shown, decode=_CONTENTS.decode
        )
        if not reply.ok:
            refuse_access(reply)
            advice = f"{INSTALL}, or correct platform.products.media_channel"
            raise PermanentError(f"{reply.error_summary()}; {advice}")
        if reply.value is None:
            raise PermanentError(f"{reply.where} answered without a body: {CONTRACT}")
        contents: Contents = reply.value
        return contents


class Levels(Protocol):
    """Reads stock, wherever the org has it."""

    def stock(self, skus: Collection[str]) -> Mapping[tuple[str, str], int]:
        """Return (SKU, location) -> quantity that is available; ``NO_LEVEL`` without a record."""
        ...


class ProductDetails:
    """``reader.Completion`` of products."""

    def __init__(
        self, http: ApiClient, settings: SalesforceSettings, levels: Levels | None = None
    ) -> None:
        self._settings, products = settings, settings.products
        self._levels = levels if products.has_stock else None
        self._queries = QueryClient(http, settings.data_path)
        channel = products.media_channel
        self._media = Media(http, channel) if channel is not None else None

    def whole(self, rows: list[msgspec.Raw]) -> list[msgspec.Raw]:
        """Return products with their parents and pictures; one that can't be read stays."""
        found = [_fields_of(raw) for raw in rows]
        ids = [_text(row, "Id") for row in found]
        classes = [_text(row, "ProductClass") for row in found]
        attributes = self._attributes(
            [name for name, kind in zip(ids, classes, strict=True) if kind == VARIATION]
        )
        parents = self._parents(attributes)
        media, addresses = self._pictures([*ids, *parents])
        refers = _Referred(attributes, parents, media, addresses, self._stock(found))
        return [
            refers.added(raw, row, name) if is_id(name) else raw
            for raw, row, name in zip(rows, found, ids, strict=True)
        ]

    def dependent(self, window: Window, changed: list[str]) -> Iterator[str]:
        """Yield the variations of parents that have changed, or whose pictures have."""
        if not self._settings.products.has_variations:
            return
        of_parent = f"VariantParent.{STAMP}"
        between = [f"{of_parent} >= {stamp(window.since)}", f"{of_parent} <= {stamp(window.until)}"]
        conditions = [all_of(between)]
        conditions += [all_of([one_of(PARENT_ID, some)]) for some in _parts(changed)]
        for where in conditions:
            text = select("Id, ProductId", ATTRIBUTE, f"{where} ORDER BY Id")
            for page in self._queries.rows(text):
                for raw in page:
                    if is_id(name := _text(_fields_of(raw), "ProductId")):
                        yield name

    def _attributes(self, ids: list[str]) -> dict[str, list[msgspec.Raw]]:
        """Return variation -> its rows of ``ProductAttribute``, of which one is not deleted."""
        if not self._settings.products.has_variations:
            return {}
        return self._by_product(attribute_fields(self._settings), ATTRIBUTE, ids)

    def _parents(self, attributes: dict[str, list[msgspec.Raw]]) -> dict[str, msgspec.Raw]:
        """Return the parents that rows name, by id."""
        named = {_text(_fields_of(raw), PARENT_ID) for rows in attributes.values() for raw in rows}
        found: dict[str, msgspec.Raw] = {}
        for some in _parts(sorted(filter(is_id, named))):
            where = all_of([one_of("Id", some)])
            text = select(product_fields(self._settings), "Product2", f"{where} ORDER BY Id")
            for page in self._queries.rows(text, deleted=True):
                found |= {_text(_fields_of(raw), "Id"): raw for raw in page}
        return found

    def _pictures(self, ids: list[str]) -> tuple[dict[str, list[msgspec.Raw]], dict[str, str]]:
        """Return product -> its rows of ``ProductMedia``, and the addresses of what they name."""
        if self._media is None:
            return {}, {}
        media = self._by_product(media_fields(), MEDIA, ids, "SortOrder, ")
        rows = [_fields_of(raw) for found in media.values() for raw in found]
        contents = {
            content
            for row in rows
            if not _is_deleted(row) and is_id(content := _text(row, "ElectronicMediaId"))
        }
        return media, self._media.addresses(contents)

    def _stock(self, rows: list[Row]) -> dict[str, int]:
        """Return SKU -> units that are available at all locations; absent without a level."""
        if self._levels is None:
            return {}
        found: dict[str, int] = {}
        skus = {sku for row in rows if (sku := _sku(row))}
        for (sku, _), units in self._levels.stock(skus).items():
            if units != NO_LEVEL:
                found[sku] = found.get(sku, 0) + units
        return found

    def _by_product(
        self, fields: str, source: str, ids: list[str], order: str = ""
    ) -> dict[str, list[msgspec.Raw]]:
        found: defaultdict[str, list[msgspec.Raw]] = defaultdict(list)
        for some in _parts(sorted(set(filter(is_id, ids)))):
            where = all_of([one_of("ProductId", some)])
            text = select(fields, source, f"{where} ORDER BY ProductId, {order}Id")
            for page in self._queries.rows(text, deleted=True):
                for raw in page:
                    found[_text(_fields_of(raw), "ProductId")].append(raw)
        return dict(found)


@dataclass(frozen=True, slots=True)
class _Referred:
    """What the products of a page refer to."""

    attributes: dict[str, list[msgspec.Raw]]
    parents: dict[str, msgspec.Raw]
    media: dict[str, list[msgspec.Raw]]
    addresses: dict[str, str]
    stock: dict[str, int]

    def added(self, raw: msgspec.Raw, row: Row, product: str) -> msgspec.Raw:
        """Return a product's row with what belongs to it; the same bytes if nothing does."""
        own = self.attributes.get(product, [])
        present = [fields for one in own if not _is_deleted(fields := _fields_of(one))]
        parent = next((name for fields in present if (name := _text(fields, PARENT_ID))), "")
        media, of_parent = self.media.get(product, []), self.media.get(parent, [])
        named = {_text(_fields_of(one), "ElectronicMediaId") for one in (*media, *of_parent)}
        shown = {each: url for each, url in sorted(self.addresses.items()) if each in named}
        added: dict[str, object] = {
            "Attributes": own,
            "Parent": self.parents.get(parent),
            "Media": media,
            "ParentMedia": of_parent,
            "Addresses": shown,
            STOCK: self.stock.get(_sku(row)),
        }
        added = {f: value for f, value in added.items() if value or type(value) is int}
        return msgspec.Raw(msgspec.json.encode({**row, ADDED: added})) if added else raw


def _parts(ids: list[str]) -> Iterator[list[str]]:
    return (ids[start : start + IDS_A_CALL] for start in range(0, len(ids), IDS_A_CALL))


def _fields_of(raw: msgspec.Raw) -> Row:
    try:
        return _ROWS.decode(raw)
    except (ValueError, RecursionError):
        return {}


def _text(row: Row, name: str) -> str:
    """Return a field's text; empty if it has none."""
    try:
        return _TEXTS.decode(row[name])
    except (KeyError, ValueError):
        return ""


def _sku(row: Row) -> str:
    return (_text(row, "StockKeepingUnit") or _text(row, "ProductCode")).strip()


def _is_deleted(row: Row) -> bool:
    return bytes(row.get("IsDeleted", b"")) == b"true"


def _address(content: Content) -> str:
    """Return the address of a content's picture, that for shoppers if it has one."""
    nodes = sorted(content.contentNodes.items(), key=lambda item: item[0] != SOURCE_NODE)
    for _, raw in nodes:
        try:
            node = _NODES.decode(raw)
        except (ValueError, RecursionError):
            continue  # a text or a date
        if address := node.unauthenticatedUrl or node.url:
            return address
    return ""
