"""The log of a child: lines on stderr, which the parent puts into its own."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys

PREFIX_VARIABLE = "TINY_IPC_LOG_PREFIX"
STACK_SIGNAL = int(signal.SIGQUIT)
"""As that of a JVM."""


class PrefixFormatter(logging.Formatter):
    """Puts the level before each line, as in sd-daemon(3), for the parent to read."""

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{self._priority(record.levelno)}>"
        lines = super().format(record).splitlines() or [""]
        return "\n".join(prefix + line for line in lines)

    @staticmethod
    def _priority(level: int) -> int:
        if level >= logging.ERROR:
            return 3
        if level >= logging.WARNING:
            return 4
        return 6 if level >= logging.INFO else 7


def install() -> None:
    """Logs to stderr from INFO on, unless the root logger has a handler already."""
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get(PREFIX_VARIABLE) == "1":
        handler.setFormatter(PrefixFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    if root.level == logging.WARNING:  # the default
        root.setLevel(logging.INFO)


def enable_faulthandler() -> int | None:
    """Prints a traceback if native code crashes, and those of all threads on a signal.

    Returns that signal, or None if the application handles it itself. Unlike a handler in Python,
    this works while a thread holds the interpreter's lock."""
    try:
        faulthandler.enable()
        if signal.getsignal(STACK_SIGNAL) is not signal.SIG_DFL:
            return None
        faulthandler.register(STACK_SIGNAL, all_threads=True)
        return STACK_SIGNAL
    except (AttributeError, OSError, ValueError, RuntimeError):
        return None  # stderr is closed, or no file
