"""What benchmarks read of other programs."""

import sys

from conftest import PROJECT


def test_peak_memory_is_that_of_all_processes_whichever_thread_started_them(monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT / "benchmarks"))
    from _measured import run

    child = "import time; held = bytearray(200_000_000); time.sleep(3)"
    script = (
        "import subprocess, sys, threading\n"
        f"work = lambda: subprocess.run([sys.executable, '-c', {child!r}])\n"
        "thread = threading.Thread(target=work); thread.start(); thread.join()"
    )
    spent = run([sys.executable, "-c", script])
    assert 0.2 < spent.peak_gigabytes < 1 and spent.seconds > 3
