"""Small elements of a stream, which come several in a message if the parent asks for that."""

import os

import pytest

from raw import CANCEL, ELEMENT, ELEMENTS, END, ERROR_ITEM, envelope, loads, tagged

APP = """
    import itertools, pathlib, threading, time
    from tiny_ipc import App, Reply, memory
    app = App()
    FOLDER = pathlib.Path(__file__).parent

    @app.handler()
    def echo(request):
        return request.payload

    @app.handler("count")
    def count(request):
        yield from range(request.payload)

    @app.handler("wait")
    def wait(request):
        yield from range(request.payload)
        while not (FOLDER / "received").exists():
            time.sleep(0.001)
        yield "waited"

    @app.handler("break")
    def break_(request):
        yield from range(request.payload)
        raise ValueError("broken")

    @app.handler("unwritable")
    def unwritable(request):
        yield from range(request.payload)
        yield object()

    @app.handler("mixed")
    def mixed(request):
        for number in range(request.payload):
            kind = number % 10
            if kind == 3:
                yield "x" * 20_000
            elif kind == 5:
                yield b"bytes"
            elif kind == 7:
                yield Reply(number, [memory(b"%d" % number)])
            else:
                yield number

    @app.handler("endless")
    def endless(request):
        yield from itertools.repeat("x" * request.payload)

    app.run()
"""


@pytest.fixture
def parent(start):
    parent = start(APP)
    parent.hello()
    return parent


def ask(parent, payload, method, largest="32768"):
    parent.send(envelope(payload, id=1, method=method, headers={"elements": largest}))


def messages(parent):
    """Reads a stream up to what ends it, and returns its messages with their sizes and files."""
    while True:
        body, files = parent.receive_body()
        item = loads(body).value["payload"]
        yield item, len(body), files
        if item.tag not in (ELEMENT, ELEMENTS):
            return


def elements(parent):
    found, end = [], None
    for item, _, _ in messages(parent):
        if item.tag == ELEMENTS:
            assert item.value
            found += item.value
        elif item.tag == ELEMENT:
            found.append(item.value)
        else:
            end = item
    return found, end


@pytest.mark.parametrize("count", [0, 1, 2, 20_000])
def test_all_come_in_order_and_then_the_end(parent, count):
    ask(parent, count, "count")
    assert elements(parent) == (list(range(count)), tagged(END, None))
    assert parent.ask("in step") == "in step"


def test_far_fewer_messages_come_and_none_is_larger_than_the_parent_allows(parent):
    ask(parent, 5000, "count", "1000")
    sizes = [size for _, size, _ in messages(parent)]
    assert max(sizes) <= 1000
    assert len(sizes) < 500


@pytest.mark.parametrize("largest", ["", "0", "x", "-5", "1.5", "\u0665", "1" * 30, "10"])
def test_a_header_that_allows_none_means_one_at_a_time(parent, largest):
    ask(parent, 100, "count", largest)
    assert {item.tag for item, _, _ in messages(parent)} == {ELEMENT, END}


def test_without_the_header_they_come_one_at_a_time(parent):
    parent.send(envelope(100, id=1, method="count"))
    assert {item.tag for item, _, _ in messages(parent)} == {ELEMENT, END}


def test_a_handler_that_lets_the_next_one_wait_keeps_none_back(parent):
    ask(parent, 100, "wait")
    found = []
    for item, _, _ in messages(parent):
        if item.tag == END:
            break
        found += item.value if item.tag == ELEMENTS else [item.value]
        if len(found) == 100:
            (parent.stderr.parent / "received").touch()
    assert found == [*range(100), "waited"]


@pytest.mark.parametrize("method", ["break", "unwritable"])
def test_an_error_comes_after_all_that_precede_it(parent, method):
    ask(parent, 500, method)
    found, end = elements(parent)
    assert (found, end.tag) == (list(range(500)), ERROR_ITEM)
    assert parent.ask("in step") == "in step"


def test_large_ones_and_bytes_and_files_come_in_their_turn(parent):
    ask(parent, 200, "mixed")
    number = 0
    for item, _, files in messages(parent):
        if item.tag == END:
            break
        for value in item.value if item.tag == ELEMENTS else [item.value]:
            expected = {3: "x" * 20_000, 5: b"bytes"}.get(number % 10, number)
            assert value == expected
            number += 1
        assert len(files) == ((number - 1) % 10 == 7)
        for file in files:
            assert os.pread(file, 100, 0) == b"%d" % (number - 1)
            os.close(file)
    assert number == 200


@pytest.mark.parametrize("size", [1, 1000])
def test_cancel_drops_them(parent, size):
    for _ in range(10):
        ask(parent, size, "endless")
        parent.receive_body()
        parent.send(tagged(CANCEL, None))
        _, end = elements(parent)
        assert (end.tag, end.value["type"]) == (ERROR_ITEM, "Cancelled")
    assert parent.ask("in step") == "in step"


def test_nothing_follows_the_end_of_a_cancelled_stream(parent):
    """Whenever the cancel comes: some elements wait then, and the thread that reads sends them."""
    for _ in range(300):
        ask(parent, 1, "endless")
        parent.receive_body()
        parent.send(tagged(CANCEL, None))
        elements(parent)
        assert parent.ask("in step") == "in step"


def test_a_parent_that_reads_late_loses_none(parent):
    """The socket is full, also when the thread that looks after them wants to send."""
    ask(parent, 100_000, "wait")
    (parent.stderr.parent / "received").touch()
    found, _ = elements(parent)
    assert found == [*range(100_000), "waited"]
