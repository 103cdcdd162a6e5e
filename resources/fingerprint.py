"""Digests of what the mapping of a connection's records depends on: settings and code.

When one of them changes, records that were rejected may be accepted. Secrets and references to
them are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from domain.connections import Connection
from domain.identity import content_digest

CODE = "code"
"""The part for Lockstep's own code; the others are named ``section.setting``."""
_POLICIES = ("orders", "inventory", "shipments", "returns", "catalog", "prices", "addresses")
_SYSTEMS = ("platform", "oms")
_ROOT = Path(__file__).resolve().parents[1]


def parts_of(connection: Connection) -> dict[str, bytes]:
    """Return part -> digest.

    A setting at its default has no part, so that new settings of a new version are not a change.
    """
    settings = {
        section: getattr(connection, section).model_dump(mode="json", exclude_defaults=True)
        for section in _POLICIES
    }
    settings |= {
        section: getattr(connection, section).model_dump(mode="json") for section in _SYSTEMS
    }
    parts = {
        f"{section}.{name}": content_digest(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
        for section, values in settings.items()
        for name, value in values.items()
        if not _is_secret(value)
    }
    return parts | {CODE: _code_digest(connection.platform.kind, connection.oms.kind)}


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and value.keys() <= {"env", "file"}


@lru_cache
def _code_digest(platform: str, oms: str) -> bytes:
    """Return the digest of the sources that map two systems' records, read once a process."""
    folders = ("domain", f"resources/platforms/{platform}", f"resources/oms/{oms}")
    return content_digest(b"\0".join(_sources(folders)))


def _sources(folders: tuple[str, ...]) -> Iterator[bytes]:
    for folder in folders:
        for file in sorted((_ROOT / folder).rglob("*.py")):
            yield file.relative_to(_ROOT).as_posix().encode()
            yield file.read_bytes()
