from __future__ import annotations

import threading
import time
from itertools import count

from rerank.models.held import Held


def test_the_thing_is_made_once_and_again_after_a_release() -> None:
    made = count(1)
    held = Held(lambda: next(made))
    assert not held.present
    with held.lend() as first, held.lend() as again:
        assert (first, again) == (1, 1)
    held.release()
    assert not held.present
    with held.lend() as second:
        assert second == 2


def test_an_idle_thing_is_dropped() -> None:
    held = Held(object, idle_seconds=0.05)
    with held.lend():
        pass
    deadline = time.monotonic() + 10
    while held.present and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not held.present


def test_a_thing_in_use_is_not_dropped() -> None:
    held = Held(object, idle_seconds=0.05)
    with held.lend():
        pass
    with held.lend() as thing:
        time.sleep(0.2)
        assert held.present
        with held.lend() as same:
            assert same is thing


def test_threads_take_turns() -> None:
    held = Held(list[int])
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with held.lend():
            inside += 1
            most = max(most, inside)
            time.sleep(0.005)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
