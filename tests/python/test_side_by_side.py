"""Parts in processes of their own: the same results, however many cores there are."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import PROJECT
from test_registry import make_input, run, seed_targets
from test_segment_runs import customers, view
from test_segment_runs import run as fit_views

from python_ext import side_by_side as module
from python_ext.errors import SegmentationError
from python_ext.side_by_side import in_order, side_by_side


def whose(part):
    if part < 0:
        raise SegmentationError(f"process {os.getpid()} found {part}")
    return part, os.getpid()


@pytest.mark.parametrize(("cores", "rows"), [(1, 50_000), (2, 10), (2, 1_000_000)])
def test_one_core_few_rows_and_too_many_stay_in_this_process(monkeypatch, cores, rows):
    monkeypatch.setattr(module, "cpu_count", lambda: cores)
    assert side_by_side(whose, [3, 1], rows=[rows, rows]) == [(3, os.getpid()), (1, os.getpid())]


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(module, "cpu_count", lambda: 2)
    monkeypatch.setattr(module, "LEAST_ROWS", 0)


def test_the_error_of_another_process_comes_through(two_cores):
    with pytest.raises(SegmentationError, match=r"^process \d+ found -1$") as caught:
        side_by_side(whose, [3, -1], rows=[9, 1])
    assert f"process {os.getpid()} " not in str(caught.value)


def test_models_trained_side_by_side_are_those_trained_one_by_one(monkeypatch, two_cores):
    targets = ("a", "b")
    features, labels = make_input(targets=targets, customers=300)
    # The second is the larger one, which begins first.
    fewer = (labels["target"] == "a") & (labels["customer_key"] < "c0050")
    given = features, labels[~fewer]
    wanted = seed_targets(*targets)
    side = run(given, wanted=wanted)
    monkeypatch.setattr(module, "cpu_count", lambda: 1)
    pd.testing.assert_frame_equal(side, run(given, wanted=wanted))
    assert list(side["target"].unique()) == ["a", "b"] and side["artefact_sha256"].nunique() >= 2


def test_views_fitted_side_by_side_are_those_fitted_one_by_one(monkeypatch, two_cores):
    given = customers([0, 1, 2, 3])
    views = [view(), view("some", columns=("f0", "f1"))]
    side = fit_views(given, views=views)
    monkeypatch.setattr(module, "cpu_count", lambda: 1)
    pd.testing.assert_frame_equal(side, fit_views(given, views=views))
    assert list(side["view"].unique()) == ["all", "some"]


class Counting:
    """Work that knows how many batches it was given, and in which process."""

    def __init__(self):
        self.seen = 0

    def __call__(self, batch):
        if batch[0] < 0:
            raise SegmentationError(f"process {os.getpid()} found {batch[0]}")
        self.seen += 1
        return batch[0], os.getpid(), self.seen


def test_batches_come_back_in_order_from_other_processes_which_keep_their_work(two_cores):
    asked = []
    batches = (asked.append(number) or [number] for number in range(9))
    found = in_order(Counting(), batches)
    first = next(found)
    assert len(asked) == 3, "no more is read than is worked on"
    found = [first, *found]
    assert [number for number, _, _ in found] == list(range(9))
    assert os.getpid() not in {process for _, process, _ in found}
    assert sum(seen == 1 for _, _, seen in found) == len({process for _, process, _ in found})


LARGE = [1] * 50_000


@pytest.mark.parametrize(("cores", "batches"), [(1, [LARGE] * 2), (2, [[1]] * 3), (2, [LARGE])])
def test_one_core_or_small_batches_stay_in_this_process(monkeypatch, cores, batches):
    monkeypatch.setattr(module, "cpu_count", lambda: cores)
    found = list(in_order(Counting(), batches))
    assert [process for _, process, _ in found] == [os.getpid()] * len(batches)
    assert list(in_order(Counting(), [])) == []


def test_the_error_of_a_batch_comes_through(two_cores):
    with pytest.raises(SegmentationError, match=r"^process \d+ found -1$"):
        list(in_order(Counting(), [[1], [-1], [2], [3]]))


def end_this_process(batch):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_was_killed_ends_the_work_and_its_message_has_an_advice(two_cores):
    """As the system does when memory runs out; DuckDB hands on the message alone."""
    with pytest.raises(Exception, match="terminated") as caught:
        list(in_order(end_this_process, [[1], [2], [3]]))
    text = (PROJECT / "macros" / "say_what_to_do.sql").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"'(worker process[^']*)'", text)
    assert re.search(pattern, str(caught.value))
    assert [number for number, _, _ in in_order(Counting(), [[1], [2], [3]])] == [1, 2, 3]


PARENT = """
import os, sys, time
from python_ext import side_by_side as module
module.cpu_count, module.LEAST_ROWS, module.PARENT_SECONDS = lambda: 2, 0, 0.2

def work(batch):
    open(os.path.join(sys.argv[1], str(os.getpid())), "w").close()
    return bytes(5_000_000)

for _ in module.in_order(work, ([number] for number in range(50))):
    time.sleep(60)
"""


def is_alive(process: int) -> bool:
    """Whether a process is there and not only waiting to be told of."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_processes_end_after_one_that_was_killed(tmp_path):
    """They would hold their memory for ever: nobody reads what they have to tell."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)])
    deadline = time.monotonic() + 120
    while len(found := [file.name for file in tmp_path.iterdir()]) < 2:
        assert time.monotonic() < deadline and parent.poll() is None
        time.sleep(0.2)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while any(map(is_alive, map(int, found))):
        assert time.monotonic() < deadline, "they live on"
        time.sleep(0.2)
