"""Streams large data, with blocks if the parent has them."""

from tiny_ipc import App

app = App(blocks=True)


@app.handler("frame")
def frame(request):
    return bytes([request.payload % 256]) * (1 << 20)


@app.handler("frames")
def frames(request):
    for number in range(request.payload):
        yield bytes([number % 256]) * (1 << 20)


@app.handler("lane blocks")
def lane_blocks(request):
    """How many blocks this process has mapped."""
    with open("/proc/self/maps") as maps:
        return sum("tiny-ipc-block" in line for line in maps)


app.run()
