"""Where stamps have no zone, no change is lost when clocks change, and none is taken for older."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import orjson
import pytest

from domain.values import Window
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.clock import SourceClock
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.oms.manhattan.orders.search import OrderSearch
from tests.resources.oms.manhattan.samples import settings_of

ZONES = {
    "back": ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    "forward": ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    "by half an hour": ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
}
BOUND = re.compile(r"(>=|<) '([^']+)'")


class Tenant:
    """A tenant that stamps changes in local time and compares stamps as they are written."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self.present = datetime.min.replace(tzinfo=UTC)
        self._stamps: dict[str, datetime] = {}

    def change(self, order_id: str, moment: datetime) -> None:
        """Change an order."""
        self._stamps[order_id] = moment.astimezone(self._zone).replace(tzinfo=None)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a search by stamp."""
        body = orjson.loads(request.content)
        bounds = [(op, datetime.fromisoformat(text)) for op, text in BOUND.findall(body["Query"])]
        found = sorted(
            (stamp, order_id)
            for order_id, stamp in self._stamps.items()
            if all(stamp >= at if op == ">=" else stamp < at for op, at in bounds)
        )
        first = body["Page"] * body["Size"]
        rows = [
            {"OrderId": order_id, "UpdatedTimestamp": stamp.isoformat(timespec="milliseconds")}
            for stamp, order_id in found[first : first + body["Size"]]
        ]
        header = {"totalCount": str(len(found)), "page": body["Page"], "size": body["Size"]}
        return httpx.Response(200, json={"success": True, "header": header, "data": rows})


class TenantClock(SourceClock):
    """The tenant's clock, set by the test."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__()
        self._tenant = tenant

    def now(self) -> datetime:
        """Return the tenant's present."""
        return self._tenant.present


def search_of(tenant: Tenant, zone: str) -> OrderSearch:
    """Build a search in front of the tenant."""
    policy = ClientPolicy(
        system="manhattan",
        base_url="https://acme.omni.manh.com",
        auth=NoAuth(),
        limiter=Limiter(LocalQuota(), "t", quota=100_000, window_seconds=1.0),
        clock=TenantClock(tenant),
    )
    client = ApiClient(policy, transport=httpx.MockTransport(tenant))
    return OrderSearch(client, settings_of(search_page_size=10, naive_time_zone=zone))


@pytest.mark.parametrize(("zone", "change"), list(ZONES.values()), ids=list(ZONES))
@pytest.mark.parametrize("every", [5, 40])
def test_windows_one_after_another_find_every_change_in_order(
    zone: str, change: datetime, every: int
) -> None:
    """An order changes at each minute, one order again and again: as a live sync reads them."""
    tenant = Tenant(zone)
    search = search_of(tenant, zone)
    seen: dict[str, datetime] = {}
    again: list[datetime] = []
    watermark = change - timedelta(minutes=200)
    for minute in range(-200, 200):
        moment = change + timedelta(minutes=minute)
        tenant.change(f"T-{minute}", moment)
        tenant.change("AGAIN", moment)
        if minute % every:
            continue
        present = moment + timedelta(seconds=30)
        tenant.present = present
        assert search.oldest_since(watermark) is not None
        for page in search.changed_in(Window(watermark, present)):
            for record in page:
                seen.setdefault(record.source_id, record.updated_at)
                if record.source_id == "AGAIN":
                    again.append(record.updated_at)
        watermark = present

    last = watermark - timedelta(seconds=30)
    expected = {f"T-{minute}" for minute in range(-200, 200)} - {
        f"T-{minute}" for minute in range(-200, 200) if change + timedelta(minutes=minute) > last
    }
    assert expected - seen.keys() == set()
    assert again == sorted(again)
    assert len(again) == len(range(-200, 200, every)) or again[-1] == last


@pytest.mark.parametrize(("zone", "change"), list(ZONES.values()), ids=list(ZONES))
def test_a_change_is_probed_in_every_minute_around_the_change_of_clocks(
    zone: str, change: datetime
) -> None:
    """A quiet tenant with one change: the next probe finds it, whenever it comes."""
    for minute in range(-150, 150, 10):
        tenant = Tenant(zone)
        moment = change + timedelta(minutes=minute)
        tenant.change("T-1", moment)
        tenant.present = moment + timedelta(seconds=5)
        found = search_of(tenant, zone).oldest_since(moment - timedelta(minutes=3))
        assert found is not None, minute


@pytest.mark.parametrize(("zone", "change"), list(ZONES.values()), ids=list(ZONES))
def test_a_quiet_tenant_is_not_read_at_each_tick(zone: str, change: datetime) -> None:
    """An order of long ago is not a change, in no minute of the night."""
    tenant = Tenant(zone)
    tenant.change("T-1", change - timedelta(hours=8))
    search = search_of(tenant, zone)
    for minute in range(-150, 150, 10):
        tenant.present = change + timedelta(minutes=minute)
        assert search.oldest_since(tenant.present - timedelta(minutes=2)) is None
