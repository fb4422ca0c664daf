"""The methods of ConversationWorker that MixedTraffic calls, with the library for Python."""
import asyncio
import os
import time

from tiny_ipc import App, Reply, memory

app = App(concurrency=8)
cancelled = 0


@app.handler()
def echo(request):
    return request.payload


@app.handler("who")
def who(request):
    return os.getpid()


@app.handler("copy")
def copy(request):
    with request.files[0].open() as file:
        file.seek(0)
        return Reply(request.payload, files=[memory(file.read())])


@app.handler("fail")
def fail(request):
    raise ValueError(f"fails {request.payload}")


@app.handler("hang")
async def hang(request):
    global cancelled
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        cancelled += 1
        raise


@app.handler("stubborn")
def stubborn(request):
    time.sleep(request.payload)


@app.handler("cancelled")
def number_of_cancelled(request):
    return cancelled


@app.handler("count")
def count(request):
    yield from range(request.payload)


@app.handler("ask-back")
def ask_back(request):
    return f"child({request.parent.call('ask', request.payload)})"


app.run()
