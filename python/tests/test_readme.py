"""The READMEs say what works."""

import pathlib
import re

import pytest

import tiny_ipc
from raw import envelope

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("readme", ["README.md", "python/README.md"])
def test_the_example_is_a_complete_child(start, readme):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)
    (example,) = [block for block in blocks if "from tiny_ipc import App" in block]
    parent = start(example)
    assert parent.hello()["lanes"] == 8
    reply = parent.ask(envelope({"width": 21}, id=1, method="scale"))
    assert reply.value["payload"] == {"width": 42}
    assert parent.end() == 0


def test_what_is_public_is_documented_and_typed():
    for name in tiny_ipc.__all__:
        assert getattr(tiny_ipc, name).__doc__, name
    assert (pathlib.Path(tiny_ipc.__file__).parent / "py.typed").exists()
