"""The child of BulkContender: sums bytes, or sends an array of them back."""
import sys

import numpy

from tiny_ipc import App

app = App(blocks=True)


@app.handler()
def bulk(request):
    array = numpy.frombuffer(request.payload, "uint8")
    return int(array.sum(dtype="uint64")) if sys.argv[1] == "sum" else array.data


app.run()
