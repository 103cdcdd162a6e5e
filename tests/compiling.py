"""Compiles the project once, before pytest-xdist starts its workers.

In a fresh checkout each worker would compile all of it, at the same time as the others.
"""

from __future__ import annotations

import compileall
import multiprocessing
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.assertion import rewrite

FOLDERS = ("domain", "resources", "assets", "sensors", "orchestration", "sandbox", "tests")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Compile what has no compiled form yet, in a process for each core."""
    if sys.dont_write_bytecode:
        return
    files = [file for folder in FOLDERS for file in (config.rootpath / folder).rglob("*.py")]
    cores = os.cpu_count() or 1
    fork = multiprocessing.get_context("fork")
    processes = [
        fork.Process(target=compile_files, args=(config, files[core::cores]))
        for core in range(cores)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def compile_files(config: pytest.Config, files: Iterable[Path]) -> None:
    """Compile modules as they will be imported: those of tests with pytest's own assertions."""
    sys.settrace(None)  # that of coverage
    for file in files:
        if not file.name.startswith(("test_", "conftest.")):
            compileall.compile_file(file, quiet=2)
        elif not compiled(file).exists() and rewrite.try_makedirs(rewrite.get_cache_dir(file)):
            digest, code = rewrite._rewrite_test(file, config)
            rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, digest, compiled(file))


def compiled(file: Path) -> Path:
    """Return where pytest keeps the compiled form of a module of tests.

    Where it is that of an older text, the workers compile the module.
    """
    return rewrite.get_cache_dir(file) / (file.name.removesuffix(".py") + rewrite.PYC_TAIL)
