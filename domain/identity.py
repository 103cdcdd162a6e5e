"""Deterministic ids: the same content always has the same digest, key and correlation id.

BLAKE2b (RFC 7693) is personalised by purpose, so a capture id can't equal a delivery key.
"""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

from domain.text import has_controls

LONGEST_ID = 200


def _hash(purpose: bytes, parts: tuple[bytes, ...], size: int) -> bytes:
    framed = b"".join([piece for part in parts for piece in (len(part).to_bytes(8, "big"), part)])
    return blake2b(framed, digest_size=size, person=purpose).digest()


def content_digest(content: bytes) -> bytes:
    """Return the 16-byte digest of a record's bytes."""
    return blake2b(content, digest_size=16, person=b"content").digest()


def is_id(text: str) -> bool:
    """Return whether a text can be a record's id: 1 to 200 characters, no control characters."""
    return 0 < len(text) <= LONGEST_ID and not has_controls(text)


def fallback_id(payload: bytes) -> str:
    """Return an id for a record without a usable one; the same bytes always have the same id."""
    return f"unreadable-{content_digest(payload).hex()}"


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


def correlation_id(connection: str, entity: str, source_id: str) -> str:
    """Return the 20 characters that follow a record through tables, logs, requests and errors.

    ``entity`` is ``order`` or ``stock``: an order and its fulfilment have the same id.
    """
    prefix = {"order": "ord", "stock": "stk"}[entity]
    parts = (connection.encode(), entity.encode(), source_id.encode())
    return f"{prefix}-{_hash(b'correlate', parts, 8).hex()}"
