"""One managed subscription of the Pub/Sub API: opened, read, committed, and closed.

The org keeps how far a managed subscription was committed, so that nothing is lost where a process
ends between reading and committing: the same events come again.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc

from domain.errors import AccessRefused, PermanentError, TransientError
from resources.platforms.salesforce.events.wire import SERVICE, message

Request, Response = message("ManagedFetchRequest"), message("ManagedFetchResponse")
SchemaRequest, SchemaInfo = message("SchemaRequest"), message("SchemaInfo")
CODE = grpc.StatusCode
REFUSED = frozenset({CODE.UNAUTHENTICATED, CODE.PERMISSION_DENIED})
TEMPORARY = frozenset(
    {
        CODE.UNAVAILABLE,
        CODE.DEADLINE_EXCEEDED,
        CODE.RESOURCE_EXHAUSTED,
        CODE.ABORTED,
        CODE.INTERNAL,
        CODE.CANCELLED,
        CODE.UNKNOWN,
    }
)
LONGEST = 60.0
"""Seconds that a stream stays open: from its pull to its commit."""
Metadata = Callable[[], Mapping[str, str]]


class Subscription:
    """The open stream, if there is one. Not for several threads."""

    def __init__(self, channel: Any, metadata: Metadata, name: str) -> None:
        self._metadata, self._name = metadata, name
        self._subscribe = channel.stream_stream(
            f"{SERVICE}/ManagedSubscribe",
            request_serializer=Request.SerializeToString,
            response_deserializer=Response.FromString,
        )
        self._schema = channel.unary_unary(
            f"{SERVICE}/GetSchema",
            request_serializer=SchemaRequest.SerializeToString,
            response_deserializer=SchemaInfo.FromString,
        )
        self._call: Any = None
        self._asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._got: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def schema(self, schema_id: str) -> str:
        """Return an Avro schema as JSON."""
        try:
            found = self._schema(
                SchemaRequest(schema_id=schema_id), timeout=LONGEST, metadata=self._headers()
            )
        except grpc.RpcError as error:
            raise fault(error) from None
        return str(found.schema_json)

    def read(self, count: int, wait: float) -> list[Any]:
        """Return some events after the last commit, as far as they come within ``wait`` seconds."""
        self.close()
        asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
        asked.put(Request(developer_name=self._name, num_requested=count))
        got: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._asked, self._got = asked, got
        self._call = self._subscribe(_until_none(asked), timeout=LONGEST, metadata=self._headers())
        threading.Thread(target=_collect, args=(self._call, got), daemon=True).start()
        with contextlib.suppress(queue.Empty):
            while not (events := list(self._next(wait).events)):
                pass  # an answer without events says only how far the stream is
            return events
        return []

    def commit(self, replay_id: bytes, wait: float) -> None:
        """Note at the org that all events up to one are stored."""
        wanted = replay_id.hex()
        commit = message("CommitReplayRequest")(commit_request_id=wanted, replay_id=replay_id)
        self._asked.put(Request(commit_replay_id_request=commit))
        try:
            while True:
                answer = self._next(wait)
                if not answer.HasField("commit_response"):
                    continue
                found = answer.commit_response
                if found.HasField("error"):
                    raise TransientError(
                        "salesforce: the events were stored, and the org could not note that; they "
                        "come again"
                    )
                if found.commit_request_id == wanted:
                    return
        except queue.Empty:
            raise TransientError(
                "salesforce: the org did not answer that the events are stored; they come again"
            ) from None
        finally:
            self.close()

    def close(self) -> None:
        """Close the stream."""
        if self._call is not None:
            self._asked.put(None)
            self._call.cancel()
            self._call = None

    def _next(self, wait: float) -> Any:
        found = self._got.get(timeout=wait)
        if isinstance(found, grpc.RpcError):
            raise fault(found) from None
        if found is None:
            raise TransientError(
                "salesforce: the stream of events ended; trying again later may help"
            )
        return found

    def _headers(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._metadata().items())


def _until_none(asked: queue.SimpleQueue[Any]) -> Iterator[Any]:
    while (request := asked.get()) is not None:
        yield request


def _collect(call: Any, got: queue.SimpleQueue[Any]) -> None:
    try:
        for answer in call:
            got.put(answer)
        got.put(None)
    except grpc.RpcError as error:
        got.put(error)


def fault(error: Any) -> Exception:
    """Return what a failed call means; its details may quote the org, and are left out."""
    code = error.code()
    text = f"salesforce: the Pub/Sub API answered {code.name}"
    if code in REFUSED:
        return AccessRefused(f"{text}; check platform.events and the user's permissions")
    if code in TEMPORARY:
        return TransientError(f"{text}; trying again later may help")
    return PermanentError(f"{text}; check platform.events, trying again won't help")
