"""Identities: of systems, and deterministic ids of records and deliveries.

The same content always has the same digest, key and correlation id. BLAKE2b (RFC 7693) is
personalised by purpose, so a capture id can't equal a delivery key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from domain.parsing.text import has_controls

LONGEST_ID = 255
"""Characters; also what a key of a canonical record can have (``domain.records.record``)."""
LONGEST_COMPOSED = 600
"""Characters of two such keys (SKU and location, SKU and price list), and of what else names a
record beside them. Of any script they fit in an entry of the ledger's indexes."""
_PIECE = 2_047
"""Bytes; ``hashlib`` gives up the lock for more."""
_LENGTH = Struct(">Q")
_UNREADABLE = "unreadable-"
_DEFAULT_PORTS = {"https": "443", "http": "80"}
_PORT = re.compile(r":\d*$")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which part of which system a section of the configuration means, however it is written.

    Its connector normalises the address, so that two spellings of one system are equal.
    """

    account: str
    """The store, or the OMS's tenant, as messages name it."""
    part: str | None = None
    """The channel or organisation; ``None`` is all of them."""
    part_name: str = "channel"
    ids_ignore_case: bool = False
    """Whether two ids that differ by case only may be one record to the system."""
    bucket: str = ""
    """Names the quota: systems with the same one share it."""
    queue: str = ""
    """Names the queue of its events, of which each is read by one connection only."""

    def overlaps(self, other: Identity) -> bool:
        """Return whether a record of one may be a record of the other."""
        return self.account == other.account and (
            self.part == other.part or None in (self.part, other.part)
        )

    def __str__(self) -> str:
        part = f"all {self.part_name}s" if self.part is None else f"{self.part_name} {self.part}"
        return f"{self.account}, {part}"


def normalised_address(url: str) -> str:
    """Return host and path of a URL in the one form that all spellings of it have.

    Case of the host, a closing dot, the scheme's default port and extra slashes mean nothing.
    """
    parts = urlsplit(url.strip())
    authority = parts.netloc.rpartition("@")[2].casefold()
    host, _, port = authority.rpartition(":") if _PORT.search(authority) else (authority, "", "")
    port = "" if port in ("", _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    path = "/".join(piece for piece in parts.path.split("/") if piece)
    return f"{host.removesuffix('.')}{port}/{path}".removesuffix("/")


@lru_cache(maxsize=1024)
def _prefix(purpose: bytes, size: int, first: str, second: str) -> blake2b:
    """Return the hash of the two names that a connection's ids start with; it is to be copied."""
    framed = _framed(first.encode()) + _framed(second.encode())
    return blake2b(framed, digest_size=size, person=purpose)


def _framed(part: bytes) -> bytes:
    return _LENGTH.pack(len(part)) + part


def content_digest(content: bytes) -> bytes:
    """Return the 16-byte digest of a record's bytes.

    In pieces for which ``hashlib`` keeps the interpreter's lock: while threads wait for it, getting
    it back takes many times as long as the digest.
    """
    view = memoryview(content)
    digest = blake2b(view[:_PIECE], digest_size=16, person=b"content")
    for start in range(_PIECE, len(content), _PIECE):
        digest.update(view[start : start + _PIECE])
    return digest.digest()


def is_id(text: str) -> bool:
    """Return whether a text can be the id of a system's record: 1 to 255 visible characters."""
    return 0 < len(text) <= LONGEST_ID and not has_controls(text)


def is_composed_id(text: str) -> bool:
    """Return whether a text of several keys can be a record's id: 1 to 600 visible characters."""
    return 0 < len(text) <= LONGEST_COMPOSED and not has_controls(text)


def fallback_id(payload: bytes) -> str:
    """Return an id for a record without a usable one; the same bytes always have the same id."""
    return f"{_UNREADABLE}{content_digest(payload).hex()}"


def unspaced(payload: bytes) -> bytes:
    """Return JSON without the spaces between its values; as it is, if it is nested too deeply."""
    try:
        return orjson.dumps(orjson.loads(payload))
    except (ValueError, TypeError):  # written again it may be 254 levels deep, read it may be more
        return payload


def is_fallback_id(source_id: str) -> bool:
    """Return whether a record had no usable id of its own."""
    return source_id.startswith(_UNREADABLE)


def capture_id(connection: str, stream: str, source_id: str, digest: bytes, version: str) -> UUID:
    """Return the id of one version of a source record; capturing it again gives the same id.

    ``version`` is the source's modification time, so a record that returns to an earlier content
    is a new version.
    """
    whole = _prefix(b"capture", 16, connection, stream).copy()
    whole.update(_framed(source_id.encode()) + _framed(digest) + _framed(version.encode()))
    return UUID(bytes=whole.digest())


def delivery_key(connection: str, stream: str, source_id: str, action: str, digest: bytes) -> UUID:
    """Return the idempotency key of one intended effect on one target record."""
    whole = _prefix(b"delivery", 16, connection, stream).copy()
    whole.update(_framed(source_id.encode()) + _framed(action.encode()) + _framed(digest))
    return UUID(bytes=whole.digest())


_PREFIXES = {
    "order": "ord",
    "stock": "stk",
    "customer": "cus",
    "return": "ret",
    "product": "prd",
    "price": "prc",
    "action": "act",
}


def correlation_id(connection: str, entity: str, source_id: str) -> str:
    """Return the 20 characters that follow a record through tables, logs, requests and errors.

    ``entity`` is what a stream's records are about: an order and its fulfilment have one id.
    """
    prefix = _PREFIXES[entity]
    whole = _prefix(b"correlate", 8, connection, entity).copy()
    whole.update(_framed(source_id.encode()))
    return f"{prefix}-{whole.hexdigest()}"
