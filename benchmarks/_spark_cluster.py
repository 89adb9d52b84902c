"""A Spark cluster on loopback from the jars of the pyspark wheel: master, workers, Connect server.

Everything it starts lives in process groups of its own and is ended when the `with` block is left,
however that happens.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

ROOT = Path(__file__).resolve().parents[1]
SPARK = Path(pyspark.__file__).parent
START_SECONDS = 180

QUIET = """rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""


@dataclass(frozen=True)
class Cluster:
    """Where a started cluster answers, and where it writes.

    Attributes
    ----------
    master, connect : str
        Addresses `spark://…` and, where a Connect server runs, `sc://…`.
    home : Path
        Tables (`warehouse`), event logs (`events`) and output of the processes (`logs`).
    """

    master: str
    connect: str | None
    home: Path

    @property
    def address(self) -> str:
        return self.connect or self.master


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def settings(home: Path) -> dict[str, str]:
    """Settings of every session: two small executors, and an event log that says who ran what."""
    java = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"
    return {
        "spark.cores.max": "2",
        "spark.executor.cores": "1",
        "spark.executor.memory": "900m",
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.defaultJavaOptions": f"{java} -Dderby.system.home={home}",
        "spark.executor.defaultJavaOptions": java,
        "spark.executorEnv.PYTHONPATH": str(ROOT),
        "spark.executorEnv.OMP_NUM_THREADS": "1",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": (home / "events").as_uri(),
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        "spark.sql.warehouse.dir": str(home / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={home / 'metastore'};create=true"
        ),
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        # For a demo that fits on a page, making Java code of a query costs more than running it.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }


def write_configuration(home: Path) -> dict[str, str]:
    """The folder that Spark reads its settings from, and the environment that names it."""
    folder = home / "conf"
    for name in ("conf", "events", "logs", "warehouse"):
        (home / name).mkdir(parents=True, exist_ok=True)
    lines = [f"{name} {value}\n" for name, value in settings(home).items()]
    (folder / "spark-defaults.conf").write_text("".join(lines))
    (folder / "log4j2.properties").write_text(QUIET)
    return {
        **os.environ,
        "SPARK_HOME": str(SPARK),
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }


def _wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise RuntimeError(
        f"nothing answers at port {port}; the end of {log}:\n{log.read_text()[-2000:]}"
    )


def _end(process: subprocess.Popen) -> None:
    """End a process and what it started: executors are children of their worker."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, kind)
            process.wait(timeout=20)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


@contextmanager
def cluster(home: Path, *, connect: bool = True):
    """A master and two workers of one core each, and a Connect server that runs on them.

    Parameters
    ----------
    home : Path
        Folder for tables, logs and configuration.
    connect : bool
        Whether to start the Connect server as well.

    Yields
    ------
    Cluster

    Raises
    ------
    RuntimeError
        If a server does not answer in time; the message holds the end of its output.
    """
    home = home.absolute()
    environment = write_configuration(home)
    started: list[subprocess.Popen] = []

    def start(name: str, *command: str) -> tuple[subprocess.Popen, Path]:
        log = home / "logs" / f"{name}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=home,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        started.append(process)
        return process, log

    def java_class(name: str, class_name: str, *arguments: str) -> tuple[subprocess.Popen, Path]:
        path = "org.apache.spark.deploy." + class_name
        return start(name, str(SPARK / "bin/spark-class"), path, *arguments)

    at_home = ("--host", "127.0.0.1")
    try:
        port = free_port()
        master = f"spark://127.0.0.1:{port}"
        ports = ("--port", str(port), "--webui-port", str(free_port()))
        _wait_for(port, *java_class("master", "master.Master", *at_home, *ports))
        for number in (1, 2):
            port = free_port()
            size = ("--cores", "1", "--memory", "1400m", "--work-dir", str(home / "work"))
            ports = ("--port", str(port), "--webui-port", str(free_port()))
            worker = java_class(
                f"worker_{number}", "worker.Worker", *at_home, *ports, *size, master
            )
            _wait_for(port, *worker)
        address = None
        if connect:
            port = free_port()
            address = f"sc://127.0.0.1:{port}"
            server = start(
                "connect",
                *(str(SPARK / "bin/spark-submit"), "--master", master),
                *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
                *("--name", "connect", "--conf", f"spark.connect.grpc.binding.port={port}"),
                *("--conf", "spark.connect.grpc.binding.address=127.0.0.1", "spark-internal"),
            )
            _wait_for(port, *server)
        yield Cluster(master=master, connect=address, home=home)
    finally:
        for process in reversed(started):
            _end(process)
