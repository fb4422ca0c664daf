"""The log of a child, as its parent reads it."""

import logging

from raw import envelope
from tiny_ipc.log import PrefixFormatter

APP = """
    import logging
    from tiny_ipc import App
    app = App(OPTIONS)
    logger = logging.getLogger("model")

    @app.handler()
    def log(request):
        logger.debug("unseen")
        logger.info("ready\\nto go")
        logger.warning("hot")
        logger.critical("on fire")

    @app.handler("fail")
    def fail(request):
        raise ValueError("two\\nlines")

    @app.handler("crash")
    def crash(request):
        import ctypes
        ctypes.string_at(0)

    app.run()
"""


def logged(start, options="", request=None, **environment):
    parent = start(APP.replace("OPTIONS", options), **environment)
    parent.hello()
    parent.ask(request)
    assert parent.end() == 0
    return parent.log().splitlines()


def test_each_line_has_the_prefix_of_its_level(start):
    assert logged(start, TINY_IPC_LOG_PREFIX="1") == [
        "<6>model: ready",
        "<6>to go",
        "<4>model: hot",
        "<3>model: on fire",
    ]


def test_each_line_of_a_traceback_has_it_too(start):
    lines = logged(start, request=envelope(1, method="fail"), TINY_IPC_LOG_PREFIX="1")
    assert lines[0] == "<3>tiny_ipc: A request failed"
    assert lines[1] == "<3>Traceback (most recent call last):"
    assert lines[-2:] == ["<3>ValueError: two", "<3>lines"]
    assert all(line.startswith("<3>") for line in lines)


def test_without_the_variable_lines_are_for_people(start):
    lines = logged(start)
    assert lines[0].endswith(" INFO model: ready")
    assert not any(line.startswith("<") for line in lines)


def test_an_app_can_log_as_it_likes(start):
    lines = logged(start, "logging=False", TINY_IPC_LOG_PREFIX="1")
    assert lines == ["hot", "on fire"]  # what Python does by itself


def test_a_crash_of_native_code_leaves_a_traceback(start):
    parent = start(APP.replace("OPTIONS", ""))
    parent.hello()
    parent.send(envelope(1, method="crash"))
    assert parent.exit_code() == -11
    assert "Fatal Python error: Segmentation fault" in parent.log()


def test_levels_are_those_of_sd_daemon():
    formatter = PrefixFormatter()
    levels = {10: "<7>", 15: "<7>", 20: "<6>", 30: "<4>", 40: "<3>", 50: "<3>"}
    for level, prefix in levels.items():
        record = logging.LogRecord("a", level, "", 1, "x\n\ny", None, None)
        expected = "\n".join((f"{prefix}a: x", prefix, f"{prefix}y"))
        assert formatter.format(record) == expected
