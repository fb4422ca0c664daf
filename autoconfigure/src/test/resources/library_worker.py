"""The contract Library, with the library for Python."""
import asyncio
import os
import sys

from tiny_ipc import App, Reply, memory

app = App(concurrency=4)
cancelled = 0


@app.handler("library.find")
def find(request):
    return {"title": request.payload, "author": "Ada"}


@app.handler("library.byAuthor")
def by_author(request):
    return {request.payload[0]["author"]: request.payload}


@app.handler("library.pages")
def pages(request):
    yield from range(request.payload)


@app.handler("library.lend")
async def lend(request):
    global cancelled
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        cancelled += 1
        raise


@app.handler("library.cancelled")
def number_of_cancelled(request):
    return cancelled


@app.handler("library.copy")
def copy(request):
    with request.files[0].open() as file:
        file.seek(0)
        return Reply(None, files=[memory(b"copy of " + file.read())])


@app.handler("library.read")
async def read(request):
    await asyncio.get_running_loop().create_future()


@app.handler("library.ask")
def ask(request):
    return f"child({request.parent.call('answer', request.payload)})"


@app.handler("library.fail")
def fail(request):
    raise ValueError(request.payload)


@app.handler("library.die")
def die(request):
    print("dying of", request.payload, file=sys.stderr, flush=True)
    os._exit(7)


app.run()
