"""Deterministic identities: the same content always gets the same digest, key and correlation id.

BLAKE2b (RFC 7693) keyed by purpose, so that a capture id can never equal a delivery key by construction.
"""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID


def _hash(purpose: bytes, parts: tuple[bytes, ...], size: int) -> bytes:
    digest = blake2b(digest_size=size, person=purpose)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def content_digest(content: bytes) -> bytes:
    """Return the 16-byte digest of a record's bytes."""
    return blake2b(content, digest_size=16, person=b"content").digest()


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
