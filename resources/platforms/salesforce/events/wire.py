"""The messages of the Pub/Sub API that are used, as its proto file has them.

Source: salesforce/pubsub_api.proto of the vendor. ``tests/contracts`` compares names and numbers
with that file. Nothing is generated: protobuf builds the classes from these tables.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "eventbus.v1"
SERVICE = f"/{PACKAGE}.PubSub"
Fields = tuple[tuple[str, int, str], ...]
MESSAGES: dict[str, Fields] = {
    "ProducerEvent": (("id", 1, "string"), ("schema_id", 2, "string"), ("payload", 3, "bytes")),
    "ConsumerEvent": (("event", 1, "ProducerEvent"), ("replay_id", 2, "bytes")),
    "CommitReplayRequest": (("commit_request_id", 1, "string"), ("replay_id", 2, "bytes")),
    "Error": (("code", 1, "ErrorCode"), ("msg", 2, "string")),
    "CommitReplayResponse": (
        ("commit_request_id", 1, "string"),
        ("replay_id", 2, "bytes"),
        ("error", 3, "Error"),
    ),
    "ManagedFetchRequest": (
        ("subscription_id", 1, "string"),
        ("developer_name", 2, "string"),
        ("num_requested", 3, "int32"),
        ("commit_replay_id_request", 5, "CommitReplayRequest"),
    ),
    "ManagedFetchResponse": (
        ("events", 1, "repeated ConsumerEvent"),
        ("latest_replay_id", 2, "bytes"),
        ("pending_num_requested", 4, "int32"),
        ("commit_response", 5, "CommitReplayResponse"),
    ),
    "SchemaRequest": (("schema_id", 1, "string"),),
    "SchemaInfo": (("schema_json", 1, "string"), ("schema_id", 2, "string")),
}
"""Message -> name, number and type of each field that is used; others are skipped on the wire."""
ERROR_CODES = ("UNKNOWN", "PUBLISH", "COMMIT")
_Field = descriptor_pb2.FieldDescriptorProto
_SIMPLE = {"string": _Field.TYPE_STRING, "bytes": _Field.TYPE_BYTES, "int32": _Field.TYPE_INT32}


def _file() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="lockstep/pubsub_api.proto", package=PACKAGE, syntax="proto3"
    )
    enum = file.enum_type.add(name="ErrorCode")
    for number, name in enumerate(ERROR_CODES):
        enum.value.add(name=name, number=number)
    for message, fields in MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, written in fields:
            kind = written.removeprefix("repeated ")
            field = described.field.add(name=name, number=number)
            field.label = _Field.LABEL_REPEATED if kind != written else _Field.LABEL_OPTIONAL
            if kind in _SIMPLE:
                field.type = _SIMPLE[kind]
            else:
                field.type = _Field.TYPE_ENUM if kind == "ErrorCode" else _Field.TYPE_MESSAGE
                field.type_name = f".{PACKAGE}.{kind}"
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def message(name: str) -> Any:
    """Return the class of a message."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))
