"""All definitions as a snapshot: an unintended change of a key, group or job shows in review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from domain.connections import Installation
from domain.values import Partition
from orchestration.definitions import build
from resources.lockstep import Lockstep
from tests.assets.scene import installation_of

SNAPSHOT = Path(__file__).with_name("definitions.json")


def described(installation: Installation) -> dict[str, Any]:
    """Return assets, checks, jobs, sensors and schedules in a form that diffs well."""
    definitions = build(installation, Lockstep(installation, lambda: "unused"))
    repository = definitions.get_repository_def()
    assets: dict[str, dict[str, Any]] = {}
    built: list[Any] = list(definitions.assets or [])
    for asset in built:
        for spec in [asset] if isinstance(asset, dg.AssetSpec) else asset.specs:
            assets[spec.key.to_user_string()] = {
                "group": spec.group_name,
                "kinds": sorted(spec.kinds),
                "owners": list(spec.owners),
                "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
            }
            # An external asset has no op and no checks of its own.
            if not isinstance(asset, dg.AssetSpec):
                assets[spec.key.to_user_string()] |= {
                    "pool": asset.op.pool,
                    "checks": sorted(key.name for key in asset.check_keys),
                }
    built = list(definitions.asset_checks or [])
    checks = [key for check in built for key in check.check_keys]
    return {
        "assets": assets,
        "asset_checks": sorted(f"{key.asset_key.to_user_string()}: {key.name}" for key in checks),
        "jobs": sorted(name for name in repository.job_names if not name.startswith("__")),
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
        "schedules": sorted(schedule.name for schedule in repository.schedule_defs),
    }


def test_the_definitions_are_what_was_reviewed(tmp_path: Path) -> None:
    """Delete the snapshot and run again to accept a change, then review its diff."""
    found = described(installation_of("http://127.0.0.1:1", "s1", tmp_path))
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n")
        pytest.fail(f"{SNAPSHOT.name} was missing and has been written; review it and commit it")
    assert found == json.loads(SNAPSHOT.read_text())


def test_a_second_connection_adds_its_chains_and_changes_none(tmp_path: Path) -> None:
    """Adding a connection is configuration: assets, job, sensors and pools of its own, no code."""
    one = installation_of("http://127.0.0.1:1", "s1", tmp_path)
    other = one.connections["acme"].model_copy(update={"owner": "team:europe"})
    two = Installation(start_date=one.start_date, connections={**one.connections, "acme_eu": other})
    before, after = described(one), described(two)
    archived = [d["assets"].pop("history/archive")["deps"] for d in (before, after)]
    assert set(archived[0]) < set(archived[1])  # the archive is downstream of every chain
    assert before["assets"].items() <= after["assets"].items()
    assert "live_acme_eu" in after["jobs"]
    assert "changes_acme_eu" in after["sensors"]
    assert after["assets"]["acme_eu/orders_delivered"]["pool"] == "manhattan_acme_eu"


def test_connections_of_one_lane_share_a_sensor_and_a_job(tmp_path: Path) -> None:
    """Many small stores in one lane cost one sensor and one run process."""
    one = installation_of("http://127.0.0.1:1", "s1", tmp_path)
    base = one.connections["acme"].model_copy(update={"lane": "small"})
    found = described(
        Installation(
            start_date=one.start_date,
            connections={"a": base, "b": base, "c": one.connections["acme"]},
        )
    )
    assert [job for job in found["jobs"] if job.startswith("live_")] == ["live_c", "live_small"]


def test_connections_of_both_grains_live_side_by_side(tmp_path: Path) -> None:
    """Each has the partitions of its grain; reconciliation and the archive stay daily for both."""
    base = installation_of("http://127.0.0.1:1", "s1", tmp_path).model_dump()
    one = base["connections"]["acme"]
    base["connections"]["acme_hours"] = one | {
        "grain": "hour",
        "orders": one["orders"] | {"order_id_prefix": "H-"},
    }
    installation = Installation.model_validate(base)
    definitions = build(installation, Lockstep(installation, lambda: "unused"))
    definitions.get_repository_def()

    def newest(job: str) -> str:
        found = definitions.resolve_job_def(job).partitions_def
        assert found is not None
        return str(found.get_last_partition_key())

    assert len(newest("sync_acme")) == len(newest("live_acme")) == len("2026-11-27")
    assert len(newest("sync_acme_hours")) == len(newest("live_acme_hours"))
    assert newest("sync_acme_hours").startswith(newest("sync_acme"))
    assert Partition.parse(newest("sync_acme_hours")).hour is not None
    assert len(newest("reconcile_acme_hours")) == len("2026-11-27")


def test_a_folder_of_requests_is_of_one_connection(tmp_path: Path) -> None:
    """Each would take the other's files."""
    base = installation_of("http://127.0.0.1:1", "s1", tmp_path).model_dump()
    one = base["connections"]["acme"] | {"actions": {"folder": tmp_path / "requests"}}
    other = one | {"actions": {"folder": tmp_path / "x" / ".." / "requests"}}
    base["connections"] = {"acme": one, "globex": other}
    with pytest.raises(ValueError, match=r"acme and globex have the same actions\.folder"):
        Installation.model_validate(base)


def test_a_lane_has_one_grain(tmp_path: Path) -> None:
    """A lane's run covers one partition, which can't be a day and an hour."""
    base = installation_of("http://127.0.0.1:1", "s1", tmp_path).model_dump()
    one = base["connections"]["acme"] | {"lane": "eu"}
    base["connections"] = {"acme": one, "acme_hours": one | {"grain": "hour"}}
    with pytest.raises(ValueError, match="acme has grain: day and acme_hours has grain: hour"):
        Installation.model_validate(base)
