"""Reads the header of a change event: the first field of an Avro record, by the event's schema.

Only what comes before the header's end is decoded; the changed fields themselves are read by the
API, so that a hint holds no personal data. Source: Avro 1.11 (binary encoding), change data capture
(ChangeEventHeader).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import orjson

HEADER = "ChangeEventHeader"
MOST_ITEMS = 100_000
"""Items of an array or map: more than an event of at most 1 MB can have is damage."""
Schema = Any


class Undecodable(ValueError):
    """Why an event can't be decoded, without any of its content."""


def header_of(schema: str, payload: bytes) -> dict[str, Any]:
    """Return the header of a change event. Raises ``Undecodable``."""
    try:
        record = orjson.loads(schema)
        reader = _Reader(payload)
        for field in record["fields"]:
            value = reader.read(field["type"])
            if field["name"] == HEADER:
                return dict(value)
    except Undecodable:
        raise
    except (ValueError, KeyError, TypeError, IndexError, struct.error, RecursionError):
        raise Undecodable("it does not fit its schema") from None
    raise Undecodable("its schema has no header")


class _Reader:
    """Reads values one after the other; a named type is known from its first use on."""

    def __init__(self, payload: bytes) -> None:
        self._bytes, self._at = payload, 0
        self._named: dict[str, Schema] = {}
        self._simple: dict[str, Callable[[], Any]] = {
            "null": lambda: None,
            "boolean": lambda: self._take(1) != b"\0",
            "int": self._long,
            "long": self._long,
            "float": lambda: struct.unpack("<f", self._take(4))[0],
            "double": lambda: struct.unpack("<d", self._take(8))[0],
            "bytes": lambda: self._take(self._long()),
            "string": lambda: self._take(self._long()).decode(errors="replace"),
        }

    def read(self, schema: Schema) -> Any:
        """Return the next value."""
        if isinstance(schema, list):
            return self.read(schema[self._long()])
        if isinstance(schema, str):
            simple = self._simple.get(schema)
            return simple() if simple is not None else self.read(self._named[schema])
        kind = schema["type"]
        if "name" in schema:
            self._named[schema["name"]] = schema
            if "namespace" in schema:
                self._named[f"{schema['namespace']}.{schema['name']}"] = schema
        match kind:
            case "record":
                return {field["name"]: self.read(field["type"]) for field in schema["fields"]}
            case "enum":
                return schema["symbols"][self._long()]
            case "fixed":
                return self._take(schema["size"])
            case "array":
                return self._blocks(lambda: self.read(schema["items"]))
            case "map":
                return self._blocks(lambda: (self.read("string"), self.read(schema["values"])))
        return self.read(kind)

    def _blocks(self, item: Callable[[], Any]) -> list[Any]:
        found: list[Any] = []
        while count := self._long():
            if count < 0:
                count = -count
                self._long()  # the block's size in bytes
            if len(found) + count > MOST_ITEMS:
                raise Undecodable("a list in it is too long")
            found += [item() for _ in range(count)]
        return found

    def _long(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
        raise Undecodable("a number in it is too long")

    def _take(self, size: int) -> bytes:
        if not 0 <= size <= len(self._bytes) - self._at:
            raise Undecodable("it ends early")
        self._at += size
        return self._bytes[self._at - size : self._at]
