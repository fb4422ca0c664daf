"""Open files that travel with messages, and memory to send."""

from __future__ import annotations

import fcntl
import mmap
import os
import socket
import stat
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import IO, Any, Protocol, Union, overload

from .frames import close_all


class HasFileno(Protocol):
    def fileno(self) -> int: ...


Sendable = Union[int, HasFileno]
"""A descriptor, or anything that has one: a file, a socket, Memory, a File that was received."""

_DUP_CLOEXEC = fcntl.F_DUPFD_CLOEXEC
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def descriptor_of(file: Sendable) -> int:
    if isinstance(file, bool):
        raise TypeError("True and False are no descriptors")
    descriptor = file if isinstance(file, int) else file.fileno()
    if descriptor < 0:
        raise ValueError(f"{file!r} is closed, or no descriptor")
    return descriptor


class File:
    """An open file that came with a message. It is closed with the message, unless detached.

    What open(), mmap() and array() return stays valid after that, and is the caller's.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """The descriptor, which still belongs to this object."""
        if self._descriptor < 0:
            raise ValueError("This file is closed, or was detached")
        return self._descriptor

    def detach(self) -> int:
        """Returns the descriptor, which is the caller's to close from now on."""
        descriptor, self._descriptor = self.fileno(), -1
        return descriptor

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            close_all([descriptor])

    @property
    def kind(self) -> str:
        """``file``, ``memory`` (of memfd_create), ``directory``, ``pipe``, ``socket``, ``device``
        or ``other``."""
        mode = os.fstat(self.fileno()).st_mode
        if stat.S_ISREG(mode):
            return "memory" if _is_memory(self.fileno()) else "file"
        kinds = (
            ("directory", stat.S_ISDIR),
            ("pipe", stat.S_ISFIFO),
            ("socket", stat.S_ISSOCK),
            ("device", stat.S_ISBLK),
            ("device", stat.S_ISCHR),
        )
        return next((kind for kind, matches in kinds if matches(mode)), "other")

    @property
    def size(self) -> int:
        """Of a file or memory, in bytes."""
        return os.fstat(self.fileno()).st_size

    def open(self, mode: str = "rb", **options: Any) -> IO[Any]:
        """Returns a Python file, as the built-in function open() does. It shares its position with
        the sender, and begins where that is; seek(0) goes to the beginning."""
        descriptor = fcntl.fcntl(self.fileno(), _DUP_CLOEXEC, 0)
        try:
            return open(descriptor, mode, **options)
        except BaseException:
            close_all([descriptor])
            raise

    def socket(self) -> socket.socket:
        """Returns a Python socket."""
        return socket.socket(fileno=fcntl.fcntl(self.fileno(), _DUP_CLOEXEC, 0))

    def mmap(self, access: int = mmap.ACCESS_READ) -> mmap.mmap:
        """Maps the whole file.

        Memory whose sender can still shrink it is refused, because reading behind its end would
        kill this process. Files on disk can always be shrunk: do not map those of others.
        """
        if self.kind == "memory" and not _seals(self.fileno()) & fcntl.F_SEAL_SHRINK:
            raise ValueError(
                "This memory can still be shrunk by its sender: seal it before it is sent, or read"
                " it with open()"
            )
        return mmap.mmap(self.fileno(), 0, access=access)

    def array(self, dtype: Any = "uint8", shape: int | Sequence[int] | None = None) -> Any:
        """Returns a NumPy array over the mapped file: no copy, read-only.

        The default shape is one dimension of all there is.
        """
        numpy = _numpy()
        dtype = numpy.dtype(dtype)
        size = self.size
        if shape is None:
            shape = (size // dtype.itemsize,)
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        count = 1
        for length in shape:
            count *= length
        if count < 0 or count * dtype.itemsize > size:
            raise ValueError(
                f"An array of {dtype} with the shape {shape} has {count * dtype.itemsize} bytes,"
                f" and the file has {size}"
            )
        if count == 0:
            return numpy.empty(shape, dtype)
        return numpy.frombuffer(self.mmap(), dtype, count).reshape(shape)

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> File:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<File {self._descriptor if self._descriptor >= 0 else 'closed'}>"


def _seals(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)


def _is_memory(descriptor: int) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith("/memfd:")
    except OSError:
        return False


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise ImportError(
            "array() needs NumPy, which is not installed: run pip install numpy, or use mmap()"
        ) from None
    return numpy


class Files(Sequence[File]):
    """What came with a message. Closing it closes all files that were not detached."""

    def __init__(self, descriptors: Iterable[int] = ()) -> None:
        self._files = tuple(File(descriptor) for descriptor in descriptors)

    @overload
    def __getitem__(self, index: int) -> File: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[File]: ...

    def __getitem__(self, index: int | slice) -> File | Sequence[File]:
        if isinstance(index, int) and not -len(self) <= index < len(self):
            raise IndexError(f"{len(self)} files came with the message, and none is number {index}")
        return self._files[index]

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[File]:
        return iter(self._files)

    def close(self) -> None:
        for file in self._files:
            file.close()

    def __enter__(self) -> Files:
        return self

    def __exit__(
        self,
        type: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Memory:
    """Shared memory that nobody can change any more. Send it as a file."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._file = File(descriptor)
        self.size = size
        """In bytes."""

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def memory(data: Any, name: str = "tiny-ipc") -> Memory:
    """Puts bytes, or a NumPy array or anything else that is a buffer, into sealed memory.

    The receiver maps it, and gets the data without another copy.
    """
    if hasattr(data, "__array_interface__") and not data.flags.c_contiguous:
        data = data.copy(order="C")
    view = memoryview(data)
    # A view with an empty dimension cannot be cast.
    content = view.cast("B") if view.nbytes else memoryview(b"")
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        written = 0
        while written < len(content):
            written += os.write(descriptor, content[written:])
        os.lseek(descriptor, 0, os.SEEK_SET)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        close_all([descriptor])
        raise
    return Memory(descriptor, written)
