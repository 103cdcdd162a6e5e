"""Deterministic identities: the same content always gets the same digest, key and correlation id.

BLAKE2b (RFC 7693) keyed by purpose, so that a capture id can never equal a delivery key by construction.
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
    """Tell whether a text can stand for a record in tables, indexes and logs: not empty, no longer than 200, no control characters."""
    return 0 < len(text) <= LONGEST_ID and not has_controls(text)


def fallback_id(payload: bytes) -> str:
    """Return the id of a record that has no usable one of its own: the same bytes always get the same, so that none is lost or doubled."""
    return f"unreadable-{content_digest(payload).hex()}"


def capture_id(connection: str, stream: str, source_id: str, digest: bytes, version: str) -> UUID:
    """Return the id of one version of one source record; capturing the same version again gives the same id.

    ``version`` is the source's modification time, so that content which returns to an earlier state is a new version.
    """
    parts = (connection.encode(), stream.encode(), source_id.encode(), digest, version.encode())
    return UUID(bytes=_hash(b"capture", parts, 16))


def delivery_key(connection: str, stream: str, source_id: str, action: str, digest: bytes) -> UUID:
    """Return the idempotency key of one intended effect on one target record."""
    parts = (connection.encode(), stream.encode(), source_id.encode(), action.encode(), digest)
    return UUID(bytes=_hash(b"delivery", parts, 16))


def correlation_id(connection: str, entity: str, source_id: str) -> str:
    """Return the id that follows one business record through every table, log line, request header and error.

    ``entity`` is ``order`` or ``stock``: an order keeps its id on its way to the OMS and on the way back. 20 characters.
    """
    prefix = {"order": "ord", "stock": "stk"}[entity]
    return f"{prefix}-{_hash(b'correlate', (connection.encode(), entity.encode(), source_id.encode()), 8).hex()}"
