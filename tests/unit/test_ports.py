"""Goal: a city of a test gets ports that nobody else takes before it opens them.

Method: a few hundred asked for, with listeners in the way.
"""

from __future__ import annotations

import socket

from ops.stack import process


def test_port_is_none_that_the_kernel_gives_away() -> None:
    assert all(20_000 <= process.free_port() < 32_768 for _ in range(50))


def test_no_port_is_given_twice_and_the_neighbours_of_one_stay_free() -> None:
    given = [process.free_port() for _ in range(300)]
    workers = [port + index for port in given for index in range(8)]
    assert len(set(workers)) == len(workers)


def test_port_that_somebody_listens_on_is_passed_over() -> None:
    before = process.free_port()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", _next(before)))
        listener.listen()
        assert process.free_port() == _next(_next(before))


def _next(port: int) -> int:
    return 20_000 + (port - 20_000 + 11) % 12_768
