"""Lockstep is installed from a checkout only: a wheel would be a silently different product."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from orchestration.settings import project_root

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("command", [["wheel", "-w"], ["install", "--target"]])
def test_an_install_into_site_packages_is_refused_with_what_to_do(
    command: list[str], tmp_path: Path
) -> None:
    """Without dagster.yaml, Dagster would silently use SQLite without limits."""
    done = subprocess.run(
        [
            *[sys.executable, "-m", "pip", "--disable-pip-version-check"],
            *[*command, str(tmp_path), "--no-index", "--no-deps", "--no-build-isolation"],
            str(project_root()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Lockstep can't be installed as a wheel" in printed
    assert "pip install --editable ." in printed
    assert "Traceback" not in printed
    assert list(tmp_path.iterdir()) == []


def test_an_editable_install_points_to_the_checkout(tmp_path: Path) -> None:
    """This is what ``make`` builds: the modules, dagster.yaml and the home stay if they are."""
    program = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=project_root(),
        capture_output=True,
        check=True,
    )
    [wheel] = tmp_path.glob("lockstep-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [pointer] = [name for name in archive.namelist() if name.endswith(".pth")]
        assert set(archive.read(pointer).decode().split()) == {str(project_root())}
