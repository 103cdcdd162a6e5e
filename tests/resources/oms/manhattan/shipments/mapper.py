"""The mapping of an order's fulfilment, with a connection of the tests."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped
from domain.records.fulfilment import Fulfilment
from resources.oms.manhattan.shipments.mapping import FulfilmentMapper
from tests.resources.oms.manhattan.samples import connection_of, settings_of

MAPPER = FulfilmentMapper(
    settings_of(),
    connection_of(orders={"order_id_prefix": "T-"}, shipments={"carriers": {"LOCALVAN": "dpd"}}),
)


def read(order: Any, mapper: FulfilmentMapper = MAPPER) -> Mapped[Fulfilment]:
    """Map an order that must map."""
    mapped = mapper.fulfilment(orjson.dumps(order))
    assert isinstance(mapped, Mapped)
    return mapped


def rejected(order: Any) -> str:
    """Map an order that must be rejected and return the code."""
    with pytest.raises(RecordRejected) as caught:
        MAPPER.fulfilment(orjson.dumps(order))
    return caught.value.problems[0].code


def problems_of(order: Any) -> list[tuple[str, str]]:
    """Map an order that must be rejected and return code and field of every problem."""
    with pytest.raises(RecordRejected) as caught:
        MAPPER.fulfilment(orjson.dumps(order))
    return [(problem.code, problem.field) for problem in caught.value.problems]
