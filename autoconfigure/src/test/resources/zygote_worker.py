"""A child that can be forked: it tells who it is, and does what some texts say."""

import os
import sys

from tiny_ipc import App

loaded_by = os.getpid()
app = App()


@app.handler()
def act(request):
    word, _, rest = request.payload.partition(" ")
    if word == "who":
        return f"{os.getpid()} {loaded_by}"
    if word == "exit":
        os._exit(int(rest))
    if word == "say":
        print(rest, flush=True)
        print("<3>" + rest, file=sys.stderr, flush=True)
    if word == "allocate":
        return str(len(bytearray(int(rest))))
    if word == "open":
        return open(rest).read()
    return request.payload


print("loaded", flush=True)
app.run()
