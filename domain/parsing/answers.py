"""Answers of a system's API that are used at once, and not captured as records. Pure."""

from __future__ import annotations

from typing import TypeVar

from domain.errors import PermanentError, RecordRejected
from domain.parsing.payload import Document, PayloadDecoder

T = TypeVar("T", bound=Document)
CONTRACT = "that breaks the API's contract; trying again won't help"


def document_of(where: str, body: bytes, decoder: PayloadDecoder[T]) -> T:
    """Return the document in an answer; ``where`` names the call.

    Raises ``PermanentError`` if a value does not fit: a rejection is of a record, and this is none.
    """
    try:
        decoded = decoder.decode(bytes(body))
    except RecordRejected as rejected:
        message = rejected.problems[0].message
        raise PermanentError(f"{where} can't be read: {message}: {CONTRACT}") from None
    if decoded.problems:
        first = decoded.problems[0]
        raise PermanentError(f"{where} can't be read ({first.field}: {first.message}): {CONTRACT}")
    return decoded.document
