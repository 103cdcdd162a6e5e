"""No secret leaks, and no personal data, whatever the systems answer and however runs fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import orjson
import psycopg
import pytest

from assets.archive import archive_day
from domain.rules.export import Decide
from resources.platforms.bigcommerce.orders.source import OrdersSource
from tests.assets.documents import PERSON, order
from tests.assets.scene import NAME, Scene
from tests.security.leaks import Needles, leaks

pytestmark = pytest.mark.slow(seconds=25)

WHO: dict[str, Any] = PERSON | {
    "first_name": "Zebediah",
    "last_name": "Quartermaine",
    "email": "zeb.quartermaine@mailbox.example",
    "phone": "+1 512-555-0147",
    "street_1": "9 Periwinkle Terrace",
}
PERSONAL = (
    "Zebediah",
    "Quartermaine",
    "zeb.quartermaine",
    "512-555-0147",
    "+15125550147",
    "Periwinkle",
)
NOTE = "Zebediah Quartermaine rings twice at 9 Periwinkle Terrace"


@pytest.fixture
def printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], Path]]:
    """Collect what is printed and what any library logs, down to DEBUG, in a folder."""
    folder = tmp_path / "printed"
    folder.mkdir()
    handler = logging.FileHandler(folder / "log")
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)

    def collect() -> Path:
        out, err = capfd.readouterr()
        (folder / "out").write_text(out)
        (folder / "err").write_text(err)
        return folder

    yield collect
    root.removeHandler(handler)
    root.setLevel(level)


def buy(scene: Scene, *numbers: int) -> None:
    """Place orders of the planted person."""
    for number in numbers:
        document = order(
            number,
            scene.moment(),
            billing_address=WHO,
            customer_message=NOTE,
            staff_notes=NOTE,
            ip_address="203.0.113.9",
        )
        document["shipping_addresses"] = [document["shipping_addresses"][0] | WHO]
        scene.place(document)


def echo(secrets: list[str], note: str = "") -> dict[str, Any]:
    """Return an error body that repeats all credentials, and a person in fields and in text."""
    text = (
        f"{note} zeb.quartermaine@mailbox.example, +1 512-555-0147; "
        f"token {secrets[0]}, secrets {' '.join(secrets[1:])}"
    )
    return {
        "title": "Unprocessable",
        "detail": text,
        "errors": {"billing_address": WHO, "message": text},
        "request": {"headers": secrets},
        "error_description": text,
        "messages": {"Message": [{"Type": "ERROR", "Code": "BAD", "Description": text}]},
    }


def test_nothing_leaks_whatever_goes_wrong(
    scene: Scene, tmp_path: Path, printed: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that good runs and all kinds of failing ones produced is searched."""
    assert scene.lockstep is not None
    secrets = [f"sandbox-token-{scene.store}", "sandbox-secret", "sandbox-password"]
    oms: Any = scene.lockstep.sync(NAME, "").oms
    secrets.append(oms._auth.headers()["Authorization"].split()[1])
    read, write = echo(secrets), echo(secrets, NOTE)
    buy(scene, 1, 2)
    scene.run_in_dagster("orders")
    scene.to_oms("orders/1/ship", {"lines": [{"line": "101", "quantity": 2}]})
    scene.run_in_dagster("shipments", "inventory")

    def fails(system: str, *streams: str, **rule: Any) -> None:
        scene.configure()  # a new process: tokens are fetched again
        scene.fault(system, rule)
        scene.run_in_dagster(*streams, first=scene.yesterday, raise_on_error=False)
        scene.fault(system)

    number = 10
    for status in (401, 403, 422, 500, 302):
        buy(scene, number := number + 1)
        where = {"Location": "https://elsewhere.example/"} if status == 302 else {}
        if status != 403:
            fails(
                "bigcommerce",
                "orders",
                kind="status",
                path="/v2/orders",
                status=status,
                body=read,
                headers=where,
            )
        fails(
            "manhattan",
            "orders",
            kind="status",
            path="/order/save",
            status=status,
            body=write,
            headers=where,
        )
    for rule in (
        {"status": 502, "body": f"<html>{NOTE} {secrets}</html>"},
        {"status": 200, "body": {"success": False} | write},
    ):
        buy(scene, number := number + 1)
        fails("manhattan", "orders", kind="status", path="/order/save", **rule)
    fails("manhattan", "orders", kind="status", path="oauth/token", status=401, body=read)
    for system, path, kind in (
        ("bigcommerce", "/v2/orders", "malformed"),
        ("bigcommerce", "/v2/orders", "wrong_types"),
        ("manhattan", "/order/save", "truncated"),
        ("manhattan", "/order/save", "drop_after"),
    ):
        buy(scene, number := number + 1)
        fails(system, "orders", kind=kind, path=path, times=6)
    unforeseen(scene, monkeypatch)

    with psycopg.connect(scene.database, autocommit=True) as db:
        archive_day(db, tmp_path / "archive", scene.yesterday)
    needles = Needles(secrets, PERSONAL)
    assert scene.sql("SELECT count(*) > 1 FROM sync.rejection WHERE stage = 'delivered'") == [
        (True,)
    ]  # it did fail, in many ways
    assert scene.sql("SELECT count(*) > 5 FROM sync.message_log WHERE error <> ''") == [(True,)]
    assert len(scene.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))) > 10
    found = leaks(scene.instance, scene.database, [printed(), tmp_path / "archive"], needles)
    assert not found, "\n".join(found)


def unforeseen(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let our own code fail on the record, with the record in the error's text."""
    buy(scene, 90, 91)
    to_canonical = OrdersSource.to_canonical

    def fail_on_90(self: OrdersSource, payload: bytes, decide: Decide) -> object:
        if b'"id":90,' in payload:
            raise ValueError(f"could not convert {payload!r}")
        return to_canonical(self, payload, decide)

    with monkeypatch.context() as patch:
        patch.setattr(OrdersSource, "to_canonical", fail_on_90)
        scene.configure()
        scene.run_in_dagster("orders", raise_on_error=False)
        patch.setattr(OrdersSource, "fetch", _fail)
        scene.run_in_dagster("orders", raise_on_error=False)


def _fail(*_: object) -> None:
    raise KeyError(orjson.dumps(WHO).decode())


def test_the_search_finds_planted_values(scene: Scene, tmp_path: Path) -> None:
    """Otherwise finding nothing would prove nothing: in a column, an event and a file."""
    buy(scene, 1)
    scene.run_in_dagster("orders")
    (tmp_path / "log").write_text("authorised by c2FuZGJveC1zZWNyZXQ=")  # in base64

    @dg.op
    def careless() -> None:
        raise ValueError("for Zebediah")

    @dg.job
    def failing() -> None:
        careless()

    failing.execute_in_process(instance=scene.instance, raise_on_error=False)
    with psycopg.connect(scene.database, autocommit=True) as db:
        db.execute("UPDATE sync.delivery SET error = 'no such street: 9 periwinkle terrace'")
    found = leaks(
        scene.instance,
        scene.database,
        [tmp_path / "log"],
        Needles(["sandbox-secret", "Quartermaine"], ("Zebediah", "Periwinkle")),
    )
    places = " ".join(found)
    for place in (
        "sync.capture.payload",
        "sync.target_state.content",
        "sync.delivery.error",
        "event STEP_FAILURE",
        "file log",
    ):
        assert place in places
    assert "zebediah" not in places.lower()
