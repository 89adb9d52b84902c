"""Parts that know nothing of each other, worked on in processes of their own where that pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from joblib import cpu_count
from joblib.externals.loky import get_reusable_executor

LEAST_ROWS = 10_000  # of all parts together; with fewer, starting the processes takes as long
MOST_ROWS = 600_000  # of all parts together; with more, two at once would want too much memory
MOST_PROCESSES = 4

Part = TypeVar("Part")
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
    # Kept for some seconds: the next model, or one that is made meanwhile, need not start its own.
    pool = get_reusable_executor(max_workers=processes, env={"OMP_NUM_THREADS": "1"})
    largest = sorted(range(len(parts)), key=lambda place: -rows[place])
    begun = {place: pool.submit(work, parts[place]) for place in largest}
    try:
        return [begun[place].result() for place in range(len(parts))]
    finally:
        for future in begun.values():
            future.cancel()
