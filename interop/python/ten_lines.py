"""A whole child: it answers every request with the request's payload. `pip install -r requirements.txt` is all it needs."""
import os, socket, struct, cbor2

parent = socket.socket(fileno=int(os.environ["TINY_IPC_FD"]))
while packet := parent.recv(1 << 19):
    (length,), body = struct.unpack_from("=Q", packet), packet[8:]
    while len(body) < length:
        body += parent.recv(1 << 19) or exit("The parent closed in the middle of a message")
    reply = cbor2.dumps(cbor2.loads(body)["payload"])
    frame = struct.pack("=Q", len(reply)) + reply
    for start in range(0, len(frame), 1 << 16):
        parent.send(frame[start:start + (1 << 16)])
