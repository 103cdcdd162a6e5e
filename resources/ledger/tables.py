"""The tables that are loaded in bulk, declared once: columns, types, retention, personal data.

Loading, retention and forgetting read these declarations. A test compares them with the migrated
database, and keeps personal columns out of the views of ``history``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

RetentionSetting = Literal["capture", "record", "message_log"]


class Column(NamedTuple):
    """One column; ``type`` is the Postgres type that COPY sends."""

    name: str
    type: str
    personal: bool = False
    """A compressed payload that may name a person."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the schema ``sync``, partitioned by month if it has a ``retention`` setting."""

    name: str
    columns: tuple[Column, ...]
    """The columns that a bulk load sends, in this order.

    Those that are the same in all rows of a load (connection, stream, run id, often the source day)
    are not among them."""
    retention: RetentionSetting | None = None
    key: str = "source_id"
    """The column that names the record that a row belongs to."""
    are_facts: bool = False
    """Rows stay when their record is validated again: they happened.

    Their key is ``event_key``; a version of the record (``version_at``) that is not older than the
    one that a row was last read from corrects the ``corrected`` columns."""
    corrected: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns' names."""
        return tuple(column.name for column in self.columns)

    @property
    def types(self) -> tuple[str, ...]:
        """Return the columns' Postgres types."""
        return tuple(column.type for column in self.columns)


# fmt: off
CAPTURE = Table("capture", (
    Column("source_day", "date"),
    Column("capture_id", "uuid"),
    Column("source_id", "text"),
    Column("source_updated_at", "timestamptz"),
    Column("digest", "bytea"),
    Column("payload", "bytea", personal=True),
    Column("payload_bytes", "int4"),
    Column("correlation_id", "text"),
    Column("source_hour", "int2"),
), "capture")

RECORD = Table("record", (
    Column("capture_id", "uuid"),
    Column("source_id", "text"),
    Column("source_updated_at", "timestamptz"),
    Column("state", "text"),
    Column("rule", "text"),
    Column("canonical", "bytea", personal=True),
    Column("canonical_digest", "bytea"),
    Column("warnings", "jsonb"),
    Column("correlation_id", "text"),
    Column("source_hour", "int2"),
), "record")

ORDER_HEADER = Table("order_header", (
    Column("capture_id", "uuid"),
    Column("source_id", "text"),
    Column("order_id", "text"),
    Column("number", "text"),
    Column("channel", "text"),
    Column("cancelled", "bool"),
    Column("ordered_at", "timestamptz"),
    Column("currency", "text"),
    Column("tax_included", "bool"),
    Column("total", "numeric"),
    Column("total_tax", "numeric"),
    Column("line_count", "int4"),
    Column("units", "numeric"),
    Column("is_guest", "bool"),
    Column("ship_country", "text"),
), "record")

ORDER_LINE = Table("order_line", (
    Column("capture_id", "uuid"),
    Column("source_id", "text"),
    Column("line_id", "text"),
    Column("group_id", "text"),
    Column("kind", "text"),
    Column("sku", "text"),
    Column("quantity", "numeric"),
    Column("uom", "text"),
    Column("factor", "numeric"),
    Column("unit_price", "numeric"),
    Column("line_total", "numeric"),
    Column("discount", "numeric"),
    Column("tax", "numeric"),
), "record")

STOCK_LEVEL = Table("stock_level", (
    Column("capture_id", "uuid"),
    Column("sku", "text"),
    Column("node", "text"),
    Column("available", "numeric"),
    Column("on_hand", "numeric"),
    Column("reserved", "numeric"),
    Column("expected", "numeric"),
    Column("expected_at", "timestamptz"),
    Column("infinite", "bool"),
    Column("observed_at", "timestamptz"),
), "record", key="sku")

PRICE = Table("price", (
    Column("capture_id", "uuid"),
    Column("sku", "text"),
    Column("price_list", "text"),
    Column("currency", "text"),
    Column("regular", "numeric"),
    Column("sale", "numeric"),
    Column("valid_from", "timestamptz"),
    Column("valid_until", "timestamptz"),
), "record", key="sku")

FULFILMENT_EVENT = Table("fulfilment_event", (
    Column("event_key", "text"),
    Column("capture_id", "uuid"),
    Column("order_id", "text"),
    Column("source_id", "text"),
    Column("line_id", "text"),
    Column("sku", "text"),
    Column("milestone", "text"),
    Column("quantity", "numeric"),
    Column("parcel_id", "text"),
    Column("tracking_number", "text"),
    Column("carrier", "text"),
    Column("occurred_at", "timestamptz"),
    Column("version_at", "timestamptz"),
), "record", are_facts=True, corrected=("capture_id", "tracking_number", "carrier", "version_at"))

RETURN_LINE = Table("return_line", (
    Column("capture_id", "uuid"),
    Column("return_id", "text"),
    Column("order_id", "text"),
    Column("source_id", "text"),
    Column("line_id", "text"),
    Column("order_line_id", "text"),
    Column("sku", "text"),
    Column("quantity", "numeric"),
    Column("announced", "numeric"),
    Column("received", "numeric"),
    Column("confirmed", "numeric"),
    Column("canceled", "numeric"),
    Column("condition", "text"),
    Column("reason", "text"),
    Column("tracking_number", "text"),
    Column("is_refunded", "bool"),
    Column("version_at", "timestamptz"),
), "record", key="return_id")

PRODUCT_VARIANT = Table("product_variant", (
    Column("product_id", "text"),
    Column("variant_id", "text"),
    Column("sku", "text"),
    Column("sku_key", "text"),
    Column("name", "text"),
    Column("options", "text"),
    Column("is_group", "bool"),
    Column("is_digital", "bool"),
    Column("brand", "text"),
    Column("categories", "jsonb"),
    Column("currency", "text"),
    Column("price", "numeric"),
    Column("sale_price", "numeric"),
    Column("stock", "int4"),
    Column("barcodes", "jsonb"),
    Column("attributes", "jsonb"),
    Column("images", "int4"),
    Column("source_updated_at", "timestamptz"),
    Column("capture_id", "uuid"),
), key="product_id")

ALIGNMENT_FINDING = Table("alignment_finding", (
    Column("place", "int8"),
    Column("kind", "text"),
    Column("sku", "text"),
    Column("product_id", "text"),
    Column("variant_id", "text"),
    Column("name", "text"),
    Column("detail", "text"),
), key="sku")

ACTION = Table("action", (
    Column("capture_id", "uuid"),
    Column("action_id", "text"),
    Column("source_id", "text"),
    Column("kind", "text"),
    Column("line_id", "text"),
    Column("quantity", "numeric"),
    Column("hold", "text"),
    Column("node", "text"),
    Column("has_address", "bool"),
    Column("permission_set", "text"),
    Column("requested_by", "text"),
    Column("requested_at", "timestamptz"),
), "record", key="action_id")

MESSAGE_LOG = Table("message_log", (
    Column("source_day", "date"),
    Column("at", "timestamptz"),
    Column("connection", "text"),
    Column("stream", "text"),
    Column("system", "text"),
    Column("method", "text"),
    Column("endpoint", "text"),
    Column("status", "int4"),
    Column("milliseconds", "float4"),
    Column("attempt", "int4"),
    Column("correlation_id", "text"),
    Column("trace_id", "text"),
    Column("error", "text"),
    Column("run_id", "text"),
), "message_log", key="correlation_id")

TARGET_STATE = Table("target_state", (
    Column("target_key", "text"),
    Column("target_id", "text"),
    Column("content", "bytea", personal=True),
    Column("digest", "bytea"),
    Column("milestone", "text"),
    Column("sequence", "int4"),
    Column("source_updated_at", "timestamptz"),
), key="target_key")
# fmt: on

TABLES = (
    CAPTURE,
    RECORD,
    ORDER_HEADER,
    ORDER_LINE,
    STOCK_LEVEL,
    PRICE,
    FULFILMENT_EVENT,
    RETURN_LINE,
    PRODUCT_VARIANT,
    ALIGNMENT_FINDING,
    ACTION,
    MESSAGE_LOG,
    TARGET_STATE,
)
