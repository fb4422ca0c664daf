"""A child without a library: one request after the other, answered by what is found in it."""
import os
import re
import socket
import struct
import subprocess
import sys
import time

parent = socket.socket(fileno=int(os.environ["TINY_IPC_FD"]))
ballast = []


def asked(word):
    return word in packet


def argument(word):
    return re.search(word + rb" ([^\s]+)", packet).group(1).decode()


def number(value):
    body = b"\x1a" + struct.pack(">I", value)
    return struct.pack("=Q", len(body)) + body


def wait_until(condition):
    while not condition():
        time.sleep(0.01)


while True:
    packet = parent.recv(1 << 20)
    if not packet:
        break
    if asked(b"die-unless"):
        if not os.path.exists(argument(b"die-unless")):
            open(argument(b"die-unless"), "w").close()
            os._exit(7)
    elif asked(b"die"):
        os._exit(7)
    if asked(b"say-nothing"):
        continue
    if asked(b"hang-up"):
        parent.close()
        time.sleep(1000)
    if asked(b"sleep"):
        time.sleep(float(argument(b"sleep")))
    if asked(b"eat"):
        ballast.append(b"x" * (int(argument(b"eat")) << 20))
    if asked(b"note-in"):
        open(os.path.join(argument(b"note-in"), str(os.getpid())), "w").close()
    if asked(b"meet-in"):
        open(os.path.join(argument(b"meet-in"), str(os.getpid())), "w").close()
        wait_until(lambda: len(os.listdir(argument(b"meet-in"))) == 4)
    if asked(b"arrive-at"):
        open(argument(b"arrive-at"), "w").close()
    if asked(b"wait-for"):
        wait_until(lambda: os.path.exists(argument(b"wait-for")))
    if asked(b"write"):
        what, where = argument(b"write").split(":")
        with open(where, "a") as file:
            file.write(what + "\n")
    growth = int(argument(b"swell")) if asked(b"swell") else 0
    if asked(b"who"):
        packet = number(os.getpid())
    elif asked(b"bear-child"):
        packet = number(subprocess.Popen(["sleep", "1000"]).pid)
    if asked(b"half"):
        parent.send(struct.pack("=Q", 1000) + packet)
        continue
    parent.send(packet)
    ballast.append(b"x" * (growth << 20))
    if asked(b"twice"):
        parent.send(packet)
    if asked(b"flood"):
        for _ in range(5):
            socket.send_fds(parent, [number(0)], [1] * 253)
    if asked(b"later"):
        time.sleep(float(argument(b"later")))
        parent.send(packet)
