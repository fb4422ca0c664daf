import os
import signal
import textwrap
import time

import pytest

from raw import PATIENCE, RawParent

# Children inherit it, and a shell ignores it in what it runs in the background.
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture
def start(tmp_path):
    """Starts scripts as children of a raw parent, and ends them after the test."""
    parents = []

    def start(script, **options):
        folder = tmp_path / str(len(parents))
        folder.mkdir()
        parents.append(RawParent(textwrap.dedent(script), folder, **options))
        return parents[-1]

    yield start
    for parent in parents:
        parent.clean_up()


@pytest.fixture
def script(tmp_path):
    """Writes a program, and returns its path."""

    def script(content):
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(content))
        return str(path)

    return script


@pytest.fixture(autouse=True)
def no_leaked_descriptors():
    """Whatever a test does, this process has as many descriptors after it as before."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= before)


def eventually(condition):
    """Waits until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)
