"""Error redaction: Dagster keeps error texts forever, and libraries put records into theirs."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg
from pydantic import ValidationError

from domain.errors import LockstepError, PermanentError, TransientError
from resources.ledger.database.embedded import access_problem


def safe_text(error: BaseException) -> str:
    """Return an error's message without the values of records.

    Postgres quotes whole rows in its details and pydantic the input, so only their message and
    place are returned. Our own messages are made to be shown. An operating system's error is shown
    by its text, any other by its class alone: a library may quote the value that it failed on.
    """
    if isinstance(error, LockstepError):
        return str(error)
    if isinstance(error, psycopg.Error):
        # Class 22, data exceptions, quotes the value in the message itself.
        is_data = (error.sqlstate or "22").startswith("22")
        message = None if is_data else error.diag.message_primary
        return f"{message or type(error).__name__} (SQLSTATE {error.sqlstate or 'none'})"
    if isinstance(error, ValidationError):
        places = {
            ".".join(map(str, fault["loc"])): fault["type"]
            for fault in error.errors(include_input=False, include_url=False)
        }
        shown = [f"{place} ({kind})" for place, kind in list(places.items())[:10]]
        return f"{error.title}: {', '.join(shown)}"
    if isinstance(error, OSError) and error.errno:
        return f"{os.strerror(error.errno)} (errno {error.errno})"
    return type(error).__name__


def unexpected(error: BaseException, where: str) -> dg.Failure:
    """Return the failure of a step by an unforeseen error: no retry, and its place in the code."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    text = (
        f"Unexpected {type(error).__name__} in {where}; trying again won't help. "
        f"This is a bug in Lockstep: {safe_text(error)}"
    )
    return dg.Failure(
        text, metadata={"where": dg.MetadataValue.md(f"```\n{frames}\n```")}, allow_retries=False
    )


def own_fault(error: BaseException, action: str) -> tuple[str, str]:
    """Return message and advice for a record on which an unforeseen error came.

    ``action`` is what could not be done, such as ``read the record``.
    """
    message = (
        f"Lockstep could not {action} ({type(error).__name__}); the run's log has more under the "
        "correlation id."
    )
    advice = (
        "This is a bug in Lockstep, not a fault of the record: report it with the log line, and "
        "retry the rejection once it is fixed."
    )
    return message, advice


@contextmanager
def classified(where: str, *, may_retry: bool = True) -> Iterator[None]:
    """Turn an error into what Dagster should do: retry in minutes, or fail at once."""
    try:
        yield
    except PermanentError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise dg.Failure(access_problem(error), allow_retries=False) from None
    except (TransientError, psycopg.OperationalError) as error:
        if not may_retry:
            raise dg.Failure(safe_text(error), allow_retries=False) from None
        raise TransientError(safe_text(error)) from None
    except Exception as error:  # noqa: BLE001 - reported with its place, as a failure
        raise unexpected(error, where) from None
