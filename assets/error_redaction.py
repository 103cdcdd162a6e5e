"""What of an error may be shown: Dagster keeps error texts for ever, and libraries put records into theirs."""

from __future__ import annotations

import os
import traceback

import dagster as dg
import psycopg
from pydantic import ValidationError

from domain.errors import LockstepError


def safe_text(error: BaseException) -> str:
    """Return an error's message without the values of records.

    Postgres quotes whole rows in its details and pydantic the input, so of those only the message and the place are told; our own
    messages are made for showing; an error of the system tells what the system said; of others only the kind is told, since a library
    puts what it stumbled over into its text.
    """
    if isinstance(error, LockstepError):
        return str(error)
    if isinstance(error, psycopg.Error):
        # Class 22, data exceptions, quotes the value in the message itself.
        told = None if (error.sqlstate or "22").startswith("22") else error.diag.message_primary
        return f"{told or type(error).__name__} (SQLSTATE {error.sqlstate or 'none'})"
    if isinstance(error, ValidationError):
        places = {
            ".".join(map(str, fault["loc"])): fault["type"]
            for fault in error.errors(include_input=False, include_url=False)
        }
        return f"{error.title}: " + ", ".join(
            f"{place} ({kind})" for place, kind in list(places.items())[:10]
        )
    if isinstance(error, OSError) and error.errno:
        return f"{os.strerror(error.errno)} (errno {error.errno})"
    return type(error).__name__


def unexpected(error: BaseException, where: str) -> dg.Failure:
    """Return the failure of a step by an error that nobody foresaw: no other try, and where in the code it arose."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    text = f"Unexpected {type(error).__name__} in {where}; another try won't help. This is a fault of Lockstep: {safe_text(error)}"
    return dg.Failure(
        text, metadata={"where": dg.MetadataValue.md(f"```\n{frames}\n```")}, allow_retries=False
    )
