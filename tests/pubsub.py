"""A server of the Pub/Sub API on loopback, with messages from the vendor's own proto file."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import grpc
import orjson
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tests.shared import shared_path

Json = dict[str, Any]
PROTO = "contracts/salesforce/pubsub_api.proto"
PACKAGE = "eventbus.v1"
_F = descriptor_pb2.FieldDescriptorProto
SIMPLE = {
    "string": _F.TYPE_STRING,
    "bytes": _F.TYPE_BYTES,
    "int32": _F.TYPE_INT32,
    "int64": _F.TYPE_INT64,
    "bool": _F.TYPE_BOOL,
}
TEXTS = ("entityName", "changeType", "changeOrigin")


def declared() -> tuple[dict[str, list[tuple[str, int, str]]], dict[str, list[tuple[str, int]]]]:
    """Return the messages with name, number and type of their fields, and the enumerations."""
    text = shared_path(PROTO).read_text("utf-8")
    text = re.sub(r"//[^\n]*", "", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    messages = {
        name: [
            (field, int(number), f"{repeated}{kind}")
            for repeated, kind, field, number in re.findall(
                r"(repeated )?(\w+) (\w+) = (\d+);", body
            )
        ]
        for name, body in re.findall(r"message (\w+) \{(.*?)\}", text, re.DOTALL)
    }
    enums = {
        name: [(value, int(number)) for value, number in re.findall(r"(\w+) = (\d+);", body)]
        for name, body in re.findall(r"enum (\w+) \{(.*?)\}", text, re.DOTALL)
    }
    return messages, enums


def classes() -> dict[str, Any]:
    """Return the classes of all messages of the file."""
    messages, enums = declared()
    file = descriptor_pb2.FileDescriptorProto(name="p.proto", package=PACKAGE, syntax="proto3")
    for name, values in enums.items():
        enum = file.enum_type.add(name=name)
        for value, number in values:
            enum.value.add(name=value, number=number)
    for name, fields in messages.items():
        described = file.message_type.add(name=name)
        for field_name, number, written in fields:
            kind = written.removeprefix("repeated ")
            field = described.field.add(name=field_name, number=number)
            field.label = _F.LABEL_REPEATED if kind != written else _F.LABEL_OPTIONAL
            if kind in SIMPLE:
                field.type = SIMPLE[kind]
            else:
                field.type = _F.TYPE_ENUM if kind in enums else _F.TYPE_MESSAGE
                field.type_name = f".{PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in messages
    }


def schema_of(entity: str) -> Json:
    """Return the Avro schema of an object's change events, as the vendor builds them."""
    header = {
        "type": "record", "name": "ChangeEventHeader", "namespace": "com.sforce.eventbus",
        "fields": [
            {"name": "entityName", "type": "string"},
            {"name": "recordIds", "type": {"type": "array", "items": "string"}},
            {"name": "changeType", "type": {"type": "enum", "name": "ChangeType", "symbols": [
                "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_UPDATE", "GAP_OVERFLOW"]}},
            {"name": "changeOrigin", "type": ["null", "string"]},
            {"name": "sequenceNumber", "type": "int"},
            {"name": "commitTimestamp", "type": "long"},
            {"name": "changedFields", "type": {"type": "array", "items": "string"}},
        ],
    }  # fmt: skip
    name = {"name": "Name", "type": ["null", "string"], "default": None}
    fields = [{"name": "ChangeEventHeader", "type": header}, name]
    return {"type": "record", "name": f"{entity}ChangeEvent", "fields": fields}


def encoded(schema: Any, value: Any) -> bytes:  # noqa: C901 - one case a type
    """Return a value in Avro's binary form."""
    if isinstance(schema, list):
        place = next(n for n, each in enumerate(schema) if (each == "null") == (value is None))
        return _long(place) + encoded(schema[place], value)
    kind = schema if isinstance(schema, str) else schema["type"]
    match kind:
        case "null":
            return b""
        case "string" | "bytes":
            raw = value.encode() if isinstance(value, str) else value
            return _long(len(raw)) + bytes(raw)
        case "int" | "long":
            return _long(value)
        case "double":
            return struct.pack("<d", value)
        case "float":
            return struct.pack("<f", value)
        case "boolean":
            return bytes([value])
        case "enum":
            return _long(schema["symbols"].index(value))
        case "array":
            items = b"".join(encoded(schema["items"], each) for each in value)
            return (_long(len(value)) + items if value else b"") + _long(0)
        case "map":
            items = b"".join(
                encoded("string", n) + encoded(schema["values"], v) for n, v in value.items()
            )
            return (_long(-len(value)) + _long(len(items)) + items if value else b"") + _long(0)
        case "fixed":
            return bytes(value)
    return b"".join(encoded(field["type"], value[field["name"]]) for field in schema["fields"])


def _long(number: int) -> bytes:
    rest, found = (number << 1) ^ (number >> 63), bytearray()
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*found, rest])


class PubSub:
    """One managed subscription; the org keeps how far it was committed."""

    def __init__(self) -> None:
        self.types = classes()
        self.events: list[Any] = []
        self.committed = 0
        self.calls: list[str] = []
        self.seen: dict[str, str] = {}
        """Metadata of the last call."""
        self.fails: list[grpc.StatusCode] = []
        """Codes of the next calls."""
        self.forgets_commits = False
        self.endpoint = ""

    def add(self, entity: str, *ids: str, **header: Any) -> None:
        """Add an event of records of an object."""
        values = {
            "entityName": entity,
            "recordIds": list(ids),
            "changeType": "UPDATE",
            "changeOrigin": "com/salesforce/api/rest/66.0",
            "sequenceNumber": 1,
            "commitTimestamp": 1_772_618_400_000,
            "changedFields": ["0x01"],
        } | header
        body = encoded(schema_of(entity), {"ChangeEventHeader": values, "Name": "Jane Doe"})
        self.put(entity, body)

    def put(self, schema_id: str, body: bytes) -> None:
        """Add an event as it is given."""
        event = {"id": str(uuid4()), "schema_id": schema_id, "payload": body}
        replay = (len(self.events) + 1).to_bytes(8, "big")
        self.events.append(self.types["ConsumerEvent"](event=event, replay_id=replay))

    def subscribe(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        """Answer ``ManagedSubscribe``: events after the last commit, and commits."""
        self._check("ManagedSubscribe", context)
        response = self.types["ManagedFetchResponse"]
        for request in requests:
            if request.num_requested:
                events = self.events[self.committed : self.committed + request.num_requested]
                if events:
                    yield response(latest_replay_id=b"\0")  # a keep-alive may come before
                    left = request.num_requested - len(events)
                    yield response(events=events, pending_num_requested=left)
            if request.HasField("commit_replay_id_request") and not self.forgets_commits:
                commit = request.commit_replay_id_request
                self.committed = int.from_bytes(commit.replay_id, "big")
                yield response(commit_response={"commit_request_id": commit.commit_request_id})

    def schema(self, request: Any, context: Any) -> Any:
        """Answer ``GetSchema``."""
        self._check("GetSchema", context)
        text = orjson.dumps(schema_of(request.schema_id)).decode()
        return self.types["SchemaInfo"](schema_json=text, schema_id=request.schema_id)

    def _check(self, call: str, context: Any) -> None:
        self.calls.append(call)
        self.seen = {name: str(value) for name, value in context.invocation_metadata()}
        if self.fails:
            context.abort(self.fails.pop(0), "the org says: Jane Doe")


@contextmanager
def running() -> Iterator[PubSub]:
    """Run a server on a free port of this machine."""
    found = PubSub()
    types: Mapping[str, Any] = found.types
    handlers = {
        "ManagedSubscribe": grpc.stream_stream_rpc_method_handler(
            found.subscribe,
            request_deserializer=types["ManagedFetchRequest"].FromString,
            response_serializer=types["ManagedFetchResponse"].SerializeToString,
        ),
        "GetSchema": grpc.unary_unary_rpc_method_handler(
            found.schema,
            request_deserializer=types["SchemaRequest"].FromString,
            response_serializer=types["SchemaInfo"].SerializeToString,
        ),
    }
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(f"{PACKAGE}.PubSub", handlers),)
    )
    found.endpoint = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield found
    finally:
        server.stop(None)
