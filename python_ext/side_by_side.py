"""Parts that know nothing of each other, worked on in processes of their own where that pays."""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from itertools import chain, islice
from typing import Any, TypeVar

import cloudpickle
from joblib import cpu_count
from joblib.externals.loky import get_reusable_executor

LEAST_ROWS = 10_000  # of all parts together; with fewer, starting the processes takes as long
MOST_ROWS = 600_000  # of all parts together; with more, two at once would want too much memory
MOST_PROCESSES = 4
PARENT_SECONDS = 2.0  # between two looks of a process whether the one that started it still lives

Part = TypeVar("Part")
Batch = TypeVar("Batch", bound=Sized)
Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Part], Result], parts: Sequence[Part], *, rows: Sequence[int]
) -> list[Result]:
    """``[work(part) for part in parts]``, several at once on a machine of several cores.

    Threads would not do: between two fits scikit-learn is Python, of which one runs at a time.
    Results do not hang on how many cores there are, as long as ``work`` depends on its part alone.

    Parameters
    ----------
    work
        A function of a module, with parts and results that can be pickled.
    parts
        What to work on.
    rows
        Of each part. The largest begin first.

    Raises
    ------
    Exception
        What ``work`` raises.
    """
    processes = min(cpu_count(), MOST_PROCESSES)
    if min(processes, len(parts)) < 2 or not LEAST_ROWS <= sum(rows) <= MOST_ROWS:
        return [work(part) for part in parts]
    pool = _pool(processes)
    largest = sorted(range(len(parts)), key=lambda place: -rows[place])
    begun = {place: pool.submit(work, parts[place]) for place in largest}
    try:
        return [begun[place].result() for place in range(len(parts))]
    finally:
        for future in begun.values():
            future.cancel()


def in_order(work: Callable[[Batch], Result], batches: Iterable[Batch]) -> Iterator[Result]:
    """``map(work, batches)``, several batches at once on a machine of several cores.

    Processes hold one batch more than there are of them, whatever the number of batches. A single
    batch, or batches too small to pay, stay in this process.

    Parameters
    ----------
    work
        Unpickled in each process once, so that what it works out for all batches is kept there.
    batches
        Of about the size of the first one. They are asked for in this process.
    """
    coming = iter(batches)
    first = list(islice(coming, 2))
    processes = min(cpu_count(), MOST_PROCESSES)
    if min(processes, len(first)) < 2 or len(first[0]) < LEAST_ROWS:
        yield from map(work, chain(first, coming))
        return
    pool, sent = _pool(processes), cloudpickle.dumps(work)
    begun: deque[Any] = deque()
    try:
        for batch in chain(first, coming):
            begun.append(pool.submit(_work_on, sent, batch))
            if len(begun) > processes:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()


def _pool(processes: int) -> Any:
    # Kept for some seconds: the next model, or one that is made meanwhile, need not start its own.
    return get_reusable_executor(
        max_workers=processes,
        env={"OMP_NUM_THREADS": "1"},
        initializer=_end_with,
        initargs=(os.getpid(),),
    )


def _end_with(parent: int) -> None:
    """End this process soon after the one that started it, however that one ended.

    One that was killed reads no more results, and the processes would wait for that for ever.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


_given: dict[bytes, Callable[[Any], Any]] = {}  # in a process of its own: its work, until another


def _work_on(sent: bytes, batch: Any) -> Any:
    if sent not in _given:
        _given.clear()
        _given[sent] = pickle.loads(sent)  # noqa: S301 - of the process that started this one
    return _given[sent](batch)
