"""An entry of a registry: the model of a connector's settings, and how it is built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.connections import Config
from domain.identity import Identity
from domain.ports import WebhookReceiver

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
    webhooks, or ``None`` where the settings name no secret for them. ``facts`` are the fields of
    the system's documents that hold no personal data; every other field counts as personal.
    """

    settings: type[SystemSettings]
    build: Callable[..., T]
    receiver: Callable[..., WebhookReceiver | None] | None = None
    facts: frozenset[str] = frozenset()
