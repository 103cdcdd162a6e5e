"""The OMS connectors, by the name that a connection's ``oms.kind`` gives."""

from __future__ import annotations

from domain.ports import OrderManagementSystem
from resources.connector import Connector
from resources.oms import manhattan
from resources.oms.manhattan.pushes import build_receiver as build_manhattan_receiver
from resources.oms.manhattan.settings import ManhattanSettings

REGISTRY: dict[str, Connector[OrderManagementSystem]] = {
    manhattan.KIND: Connector(ManhattanSettings, manhattan.build, build_manhattan_receiver),
}
