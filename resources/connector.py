"""An entry of a registry: the model of a connector's settings, and how it is built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from domain.identity import Identity
from domain.policies import Config
from domain.ports import WebhookReceiver
from domain.sources import AnySource
from domain.statuses import StoreStatuses

T = TypeVar("T")


class SystemSettings(Config, ABC):
    """A connector's section of ``connections.yaml``."""

    @property
    @abstractmethod
    def identity(self) -> Identity:
        """Return which part of which system the section means."""


@dataclass(frozen=True, slots=True)
class Connector(Generic[T]):
    """One kind of system.

    ``settings`` validates its section of ``connections.yaml``. ``build`` takes the validated
    settings, the connection, a function that resolves secrets, and the quota ledger, and returns
    the adapter. ``receiver`` takes the first three and returns the receiver of the system's
    webhooks, or ``None`` if the settings name no secret for them. ``sources`` and ``targets``
    are the streams that such a system can be read for and written to; ``statuses`` are those of a
    store that is a source of orders, and ``event_models`` describe the webhooks that it sends, for
    the documentation of their endpoint.
    """

    settings: type[SystemSettings]
    build: Callable[..., T]
    receiver: Callable[..., WebhookReceiver | None] | None
    sources: Mapping[str, type[AnySource]]
    targets: Collection[str]
    statuses: StoreStatuses | None = None
    event_models: Collection[type[BaseModel]] = ()

    @property
    def facts(self) -> frozenset[str]:
        """Return the fields of its documents that hold facts; every other counts as personal."""
        return frozenset[str]().union(*(source.facts for source in self.sources.values()))
