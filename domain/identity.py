"""Identities: of systems, and deterministic ids of records and deliveries.

The same content always has the same digest, key and correlation id. BLAKE2b (RFC 7693) is
personalised by purpose, so a capture id can't equal a delivery key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from domain.parsing.text import has_controls

LONGEST_ID = 200
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


def _hash(purpose: bytes, parts: tuple[bytes, ...], size: int) -> bytes:
    framed = b"".join([_LENGTH.pack(len(part)) + part for part in parts])
    return blake2b(framed, digest_size=size, person=purpose).digest()


def content_digest(content: bytes) -> bytes:
    """Return the 16-byte digest of a record's bytes.

    In pieces for which ``hashlib`` keeps the interpreter's lock: while threads wait for it, getting
    it back takes many times as long as the digest.
    """
    digest = blake2b(content[:_PIECE], digest_size=16, person=b"content")
    for start in range(_PIECE, len(content), _PIECE):
        digest.update(content[start : start + _PIECE])
    return digest.digest()


def is_id(text: str) -> bool:
    """Return whether a text can be a record's id: 1 to 200 characters, no control characters."""
    return 0 < len(text) <= LONGEST_ID and not has_controls(text)


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
    parts = (connection.encode(), stream.encode(), source_id.encode(), digest, version.encode())
    return UUID(bytes=_hash(b"capture", parts, 16))


def delivery_key(connection: str, stream: str, source_id: str, action: str, digest: bytes) -> UUID:
    """Return the idempotency key of one intended effect on one target record."""
    parts = (connection.encode(), stream.encode(), source_id.encode(), action.encode(), digest)
    return UUID(bytes=_hash(b"delivery", parts, 16))


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
    parts = (connection.encode(), entity.encode(), source_id.encode())
    return f"{prefix}-{_hash(b'correlate', parts, 8).hex()}"
