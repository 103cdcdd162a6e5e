"""The Dagster resource: the installation's systems and the ledger, opened at first use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property

from domain.connections import ORDERS, Connection, Installation
from domain.errors import PermanentError
from domain.policies import SecretRef
from domain.ports import CommercePlatform, OrderManagementSystem
from resources.ledger.database.embedded import database_url
from resources.ledger.ledger import Ledger
from resources.ledger.monitoring.caution import note_database
from resources.ledger.monitoring.connection_config import (
    describe,
    former_names,
    kept_oms,
    kept_prefixes,
    kept_stores,
)
from resources.sync import Sync
from resources.systems import (
    build_oms,
    build_payments,
    build_platform,
    endpoints_of,
    secrets_digest,
    secrets_of,
)


class Lockstep:
    """Opens systems and ledger at first use, and keeps them for the process."""

    def __init__(self, installation: Installation, url: Callable[[], str] = database_url) -> None:
        self.installation = installation
        self._url = url
        self._ledger: Ledger | None = None
        self._systems: dict[str, tuple[CommercePlatform, OrderManagementSystem]] = {}
        self._secret_refs: dict[str, list[tuple[str, SecretRef]]] = {}
        self._secrets: dict[str, bytes] = {}
        self._renewed_at: dict[str, datetime] = {}
        self._mutex = threading.Lock()
        self._is_described = False
        self._kept_prefixes: dict[str, str] = {}
        self._kept_stores: dict[str, str] = {}
        self._kept_oms: dict[str, str] = {}
        self._former_names: dict[str, str] = {}
        self.starting: dict[str, frozenset[str]] = {}
        """Connection -> streams that ``lockstep connect`` is starting in this process."""

    @property
    def ledger(self) -> Ledger:
        """Return the ledger. Raises ``PermanentError`` if no database is configured."""
        with self._mutex:
            if self._ledger is None:
                self._ledger = Ledger(self._url())
            return self._ledger

    def describe(self) -> None:
        """Store the connections' owners and limits, once a process: monitoring needs them."""
        ledger = self.ledger
        with self._mutex:
            if self._is_described:
                return
            with ledger.session("", "") as session:  # whose connection the first run reuses
                describe(session.db, self.installation)
                note_database(session.db)
                self._kept_prefixes = kept_prefixes(session.db, self.installation)
                self._kept_stores = kept_stores(session.db, self.installation)
                self._kept_oms = kept_oms(session.db, self.installation)
                self._former_names = former_names(session.db, self.installation)
            self._is_described = True

    def sync(
        self,
        name: str,
        run_id: str,
        trigger: str = "manual",
        log: Callable[[str], None] = lambda _: None,
    ) -> Sync:
        """Return a run's view of a connection.

        Raises ``PermanentError`` for a missing secret or a wrong setting, such as another prefix
        than that of the orders which the OMS has, another store or OMS than that of the records, or
        another name.
        """
        connection, ledger = self.installation.connections[name], self.ledger
        self.describe()
        self._refuse_moved(name, connection)
        platform, oms = self._systems_of(name, connection)
        return Sync(
            name,
            connection,
            platform,
            oms,
            ledger,
            run_id,
            trigger,
            log,
            self.starting.get(name, frozenset()),
            self._sellers[name],
            build_payments(connection, ledger.quota),
        )

    def _refuse_moved(self, name: str, connection: Connection) -> None:
        """Raise ``PermanentError`` if the ledger has records of other settings than these."""
        if (kept := self._kept_prefixes.get(name)) is not None:
            raise _prefix_changed(name, connection.orders.order_id_prefix, kept)
        if (store := self._kept_stores.get(name)) is not None:
            raise _store_changed(name, endpoints_of(connection).platform.account, store)
        if (oms_kept := self._kept_oms.get(name)) is not None:
            raise _oms_changed(name, str(endpoints_of(connection).oms), oms_kept)
        if (former := self._former_names.get(name)) is not None:
            raise _name_changed(name, connection.orders.order_id_prefix, former)

    def _systems_of(
        self, name: str, connection: Connection
    ) -> tuple[CommercePlatform, OrderManagementSystem]:
        """Return both systems, opened once and again when a secret has changed."""
        if name not in self._secret_refs:  # settings are validated once; secrets may change
            self._secret_refs[name] = secrets_of(connection)
        secrets = secrets_digest(self._secret_refs[name])
        quota = self.ledger.quota  # before the lock, which the ledger takes, too
        with self._mutex:
            if self._secrets.setdefault(name, secrets) != secrets and name in self._systems:
                # Not closed: another thread may be using them.
                del self._systems[name]
                self._secrets[name], self._renewed_at[name] = secrets, datetime.now(UTC)
            if name not in self._systems:
                self._systems[name] = (
                    build_platform(connection, quota),
                    build_oms(connection, quota),
                )
            return self._systems[name]

    @cached_property
    def _sellers(self) -> dict[str, dict[str, Connection]]:
        """Return for each connection those that send orders to the same part of an OMS."""
        connections = self.installation.connections
        oms = {name: endpoints_of(connection).oms for name, connection in connections.items()}
        return {
            name: {
                other: connection
                for other, connection in connections.items()
                if other == name
                or (ORDERS in connection.streams and oms[name].overlaps(oms[other]))
            }
            for name in connections
        }

    def renewed_at(self, name: str) -> datetime | None:
        """Return when this process last saw that a secret of the connection was renewed."""
        return self._renewed_at.get(name)

    def close(self) -> None:
        """Close all clients and connections."""
        with self._mutex:
            for platform, oms in self._systems.values():
                platform.close()
                oms.close()
            self._systems.clear()
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None


def _prefix_changed(name: str, prefix: str, kept: str) -> PermanentError:
    return PermanentError(
        f"{name}: orders.order_id_prefix is {prefix!r}, but its orders are at the OMS under the "
        f"prefix {kept!r}. With another one they would be created a second time, and their "
        f"shipments would not be found. Set it back to {kept!r}; for a new prefix, replace the "
        "connection by one with a new name and an orders.start_date."
    )


def _store_changed(name: str, account: str, kept: str) -> PermanentError:
    return PermanentError(
        f"{name}: its section platform names the {account}, but its records are those of the "
        f"{kept}. An order of one store would be taken for that of the other with the same id, and "
        "stock that the one has would not be written to the other. Set it back; or replace the "
        "connection by one with a new name and an orders.order_id_prefix of its own. If it is the "
        f"same store under a new address, set store_moved_from to {kept!r}."
    )


def _oms_changed(name: str, account: str, kept: str) -> PermanentError:
    return PermanentError(
        f"{name}: its section oms names the {account}, but its orders are at the {kept}. Orders "
        "that the latter has would not reach the former, and would not be shipped. Set it back; "
        "or replace the connection by one with a new name, which sends what is open in the store. "
        f"If it is the same OMS under a new address, set oms_moved_from to {kept!r}."
    )


def _name_changed(name: str, prefix: str, former: str) -> PermanentError:
    return PermanentError(
        f"{name}: the configuration no longer has the connection {former}, which has sent orders "
        f"of the same store to the same OMS under the same ids (orders.order_id_prefix "
        f"{prefix!r}). What the ledger knows of them belongs to {former}: under another name their "
        f"changes and shipments would be left out. Call the connection {former} again. For "
        "another name, let it finish its orders first, then give the new one an "
        "orders.order_id_prefix of its own and an orders.start_date."
    )
