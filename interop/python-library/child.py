"""A child of tiny-ipc in Python, with the library.

Build:  python3 -m venv venv && venv/bin/pip install ../../python
Run:    a parent starts it (`venv/bin/python child.py`) and names the socket in TINY_IPC_FD.
"""
import asyncio

from tiny_ipc import App, Reply, memory

app = App(concurrency=4, grace=1)
handlers = {}
meeting = []


def handler(name):
    """Makes a function the handler of a method, and of requests that say in their payload that they want it."""

    def register(function):
        handlers[name] = app.handler(name)(function)
        return function

    return register


@app.handler()
def without_method(request):
    return handlers[request.payload["do"]](request)


@handler("echo")
def echo(request):
    return request.payload["payload"]


@handler("sum")
def add(request):
    return sum(request.payload["numbers"])


@handler("length")
def length(request):
    (file,) = request.files
    return file.size


@handler("memory")
def text(request):
    content = request.payload["text"].encode()
    return Reply(len(content), files=[memory(content)])


@handler("fail")
def fail(request):
    raise RuntimeError(request.payload["message"])


@handler("stream")
def stream(request):
    for number in range(request.payload["count"]):
        if number == request.payload.get("failAt"):
            raise RuntimeError(f"no element {number}")
        yield number


@handler("meet")
async def meet(request):
    """Waits until there are as many of these requests, on any lanes, as there should be. Being async, it can be cancelled."""
    arrived = asyncio.get_running_loop().create_future()
    meeting.append(arrived)
    if len(meeting) >= request.payload["count"]:
        for other in meeting:
            other.cancelled() or other.set_result(None)
        meeting.clear()
    try:
        await arrived
    finally:
        if arrived in meeting:
            meeting.remove(arrived)
    return request.payload["count"]


app.run()
