"""Reads secrets from the environment or from files; no message contains a value."""

from __future__ import annotations

import logging
import os
import stat

from domain.errors import PermanentError
from domain.policies import SecretRef
from resources.http.redaction import register_secret

logger = logging.getLogger(__name__)


def resolve(ref: SecretRef) -> str:
    """Return the secret; raises ``PermanentError`` with the variable or file and the remedy."""
    if warning := permission_warning(ref):
        logger.warning(warning)
    return current(ref)


def current(ref: SecretRef) -> str:
    """Return the secret's present value, as ``resolve`` does, without a warning."""
    if ref.env is not None:
        value = os.environ.get(ref.env, "").strip()
        if not value:
            raise PermanentError(
                f"the environment variable {ref.env} is not set or empty; "
                "set it to the secret and start again"
            )
        register_secret(value)
        return value
    try:
        value = (ref.file.read_text(encoding="utf-8") if ref.file else "").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise PermanentError(
            f"the secret file {ref.file} can't be read ({reason}); check the path and its owner"
        ) from None
    if not value:
        raise PermanentError(f"the secret file {ref.file} is empty; write the secret into it")
    register_secret(value)
    return value


def permission_warning(ref: SecretRef) -> str | None:
    """Return a warning where others than its owner can read the secret's file."""
    if ref.file is None or not ref.file.exists():
        return None
    mode = stat.S_IMODE(ref.file.stat().st_mode)
    if mode & 0o077:
        return (
            f"the secret file {ref.file} can be read by others (mode {mode:04o}); "
            "run chmod 600 on it"
        )
    return None
