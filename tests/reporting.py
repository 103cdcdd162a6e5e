"""Shows a failure when it comes: pytest shows all of them at the end of the run."""

from __future__ import annotations

import pytest


class FailuresAtOnce:
    """Prints each failure again than pytest does, as soon as it is known."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print a failed test, and why it failed."""
        if report.failed:
            self._terminal.write_line("")
            self._terminal.write_line(f"FAILED {report.nodeid} ({report.when})", red=True)
            self._terminal.write_line(report.longreprtext)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Take part where a terminal shows the results: a worker of pytest-xdist has none."""
    plugins = session.config.pluginmanager
    terminal = plugins.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(session.config, "workerinput"):
        plugins.register(FailuresAtOnce(terminal), "failures-at-once")
