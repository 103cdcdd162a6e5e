"""An outage of a target, noticed while a run delivers to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from assets.chain.stream import Stream
from assets.delivery.system import answers
from assets.error_redaction import safe_text
from domain.errors import LockstepError, RateLimited, WriterLost
from resources.http.silence import READS, WRITES
from resources.ledger.monitoring.outages import note_failing
from resources.ledger.session import Session
from resources.sync import Sync

SILENT_SECONDS = 20.0
"""After this long without an answer a target counts as failing: red within a minute."""
WATCH_SECONDS = 5.0


@contextmanager
def outage_noted(sync: Sync, stream: Stream[Any], session: Session) -> Iterator[None]:
    """Record a fault of the target as a whole, for operators and the heartbeat."""
    try:
        with _silence_noted(sync, stream):
            yield
    except (WriterLost, RateLimited):
        raise
    except LockstepError as error:
        note_failing(session.db, sync.name, stream.name, safe_text(error))
        raise


@contextmanager
def _silence_noted(sync: Sync, stream: Stream[Any]) -> Iterator[None]:
    """Record, while requests hang, that the target answers nothing."""
    for silence in (READS, WRITES):
        silence.answered()
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(sync, stream, ended), name="silence", daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()
        watch.join(timeout=30)


def _watch(sync: Sync, stream: Stream[Any], ended: threading.Event) -> None:
    while not ended.wait(WATCH_SECONDS):
        seconds = max(READS.failing_seconds(), WRITES.failing_seconds())
        unanswered = max(READS.unanswered_seconds(), WRITES.unanswered_seconds())
        hangs = unanswered >= SILENT_SECONDS
        if seconds < SILENT_SECONDS or not (hangs or not answers(sync, is_oms=stream.to_oms)):
            continue
        try:
            with sync.ledger.session(sync.name, stream.name) as session:
                note_failing(session.db, sync.name, stream.name, f"no answer for {seconds:.0f} s")
        except (LockstepError, psycopg.Error) as error:
            sync.log(f"could not record that the target does not answer: {safe_text(error)}")
        else:
            return
