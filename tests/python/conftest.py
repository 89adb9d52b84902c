"""Real builds that several tests look at: made once, in a folder of their own."""

import atexit
import fcntl
import hashlib
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import pytest
import yaml

from python_ext.settings import dataset_vars
from python_ext.synth import generate

PROJECT = Path(__file__).resolve().parents[2]
DBT = Path(sys.executable).parent / "dbt"


# What most builds of tests need not find out again: `demo_build` runs with the settings of a user.
LEAN = {
    "segmentation_algorithms": ["kmeans"],
    "max_segments": 6,
    "projection_rows": 100,
    "stability_sample_rows": 500,
    "propensity_algorithms": ["logistic_regression"],
}


DBT_TESTS = ("data_tests", "unit_tests")


# Files that take longest, in the order in which workers begin them: a long one that began last
# would leave the other worker idle. The second needs no `demo_build`, which the first one makes.
LONGEST = (
    "test_build.py",
    "test_segments_over_time.py",
    "test_privacy_erasure.py",
    "test_noise_build.py",
    "test_build_variants.py",
    "test_quality_audit.py",
    "test_consent.py",
    "test_identity_build.py",
    "test_segment_nesting.py",
    "test_unit_tests_anywhere.py",
    "test_privacy_reentry.py",
    "test_identity_evaluation.py",
    "test_bad_input.py",
    "test_models_command.py",
    "test_registry.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest files first; within a file tests stay in their order."""
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONGEST)))


@dataclass(frozen=True)
class Build:
    """A dbt command that ran: where its files are, and what it said."""

    folder: Path
    raw_data: Path
    returncode: int
    output: str

    @property
    def database(self) -> Path:
        return self.folder / "build.duckdb"

    @property
    def target(self) -> Path:
        return self.folder / "target"

    def rows(self, query: str) -> list[tuple]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.sql(query).fetchall()


class _Parsed:
    """What dbt has parsed, kept for the next command with the same vars.

    Parsing is most of a small command. dbt parses anew where the path of the database or a var
    differs, so both folders of a command are reached by links that are called the same each time.
    """

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="segmentation-tests-"))
        atexit.register(shutil.rmtree, self.base, ignore_errors=True)

    def link(self, name: str, folder: Path) -> Path:
        """The link of a name, to this folder from now on."""
        link = self.base / name
        link.unlink(missing_ok=True)
        link.symlink_to(folder.resolve(), target_is_directory=True)
        return link

    @contextmanager
    def kept(self, settings: dict, target: Path) -> Iterator[None]:
        name = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        stored, parsed = self.base / name, target / "partial_parse.msgpack"
        if stored.exists():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(stored, parsed)
        yield
        if parsed.exists():
            shutil.copyfile(parsed, stored)


_PARSED = _Parsed()


def without_tests(declared):
    """What a YAML file declares, without the tests of dbt."""
    if isinstance(declared, dict):
        kept = {name: part for name, part in declared.items() if name not in DBT_TESTS}
        return {name: without_tests(part) for name, part in kept.items()}
    if isinstance(declared, list):
        return [without_tests(part) for part in declared]
    return declared


def project_without_tests() -> Path:
    """A copy of the project that declares no test of dbt: nine of ten of what dbt parses.

    For builds that are not about these tests; dbt parses in half the time, and plans in less.
    """
    copy = _PARSED.base / "project"
    if not copy.exists():
        for name in ("analyses", "macros", "models", "seeds"):
            shutil.copytree(PROJECT / name, copy / name)
        for name in ("dbt_project.yml", "selectors.yml"):
            shutil.copy(PROJECT / name, copy)
        for folder in ("models", "seeds"):
            for file in (copy / folder).rglob("*.yml"):
                declared = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
                text = yaml.dump(without_tests(declared), Dumper=yaml.CSafeDumper, sort_keys=False)
                file.write_text(text, encoding="utf-8")
    return copy


class _Forks:
    """dbt in a fork of a process that has imported it, which is a third of a small command."""

    def __init__(self) -> None:
        self.process: subprocess.Popen | None = None

    def run(self, arguments: list[str], environment: dict, output: Path) -> int:
        """The exit code of a command whose output goes to a file."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(Path(__file__).with_name("_dbt_forks.py"))],
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            atexit.register(self.process.communicate)
        command = {
            "arguments": arguments,
            "environment": environment,
            "folder": str(PROJECT),
            "output": str(output),
        }
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the process that runs dbt ended with {self.process.wait()}"
        return int(answer)


_FORKS = _Forks()


def run_dbt(
    *arguments: str,
    folder: Path,
    raw_data: Path,
    variables: dict | None = None,
    env=None,
    lean: bool = True,
    tested: bool = False,
    alone: bool = False,
    at: tuple[str, Callable[[subprocess.Popen], None]] | None = None,
    largest_file: int | None = None,
) -> Build:
    """Run dbt from the project root, with database, target and log in `folder`.

    Lean: with the settings of `LEAN`. Tested: of the project with its dbt tests, else of a copy
    that has none. Alone: as the command of a shell, with a hash seed of its own, where two builds
    are to be equal; all other commands are forks of one process. To disturb a command that is
    alone: `at` is a text of its output and what to do when it is said; no file of it grows beyond
    the bytes of `largest_file`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = dataset_vars(str(raw_data), project_dir=PROJECT).vars
    settings["raw_data"] = str(_PARSED.link("raw", raw_data))
    settings = {**settings, "propensity_settings": 1, **(LEAN if lean else {}), **(variables or {})}
    project = PROJECT if tested else project_without_tests()
    environment = {
        **os.environ,
        "SEGMENTATION_DATABASE": str(_PARSED.link("folder", folder) / "build.duckdb"),
        "DBT_PROJECT_DIR": str(project),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        # What is said is kept in `output`; writing every statement down takes a tenth of a build.
        "DBT_LOG_LEVEL_FILE": "none",
        # Who was forgotten in a developer's own demo must not be missing here.
        "SEGMENTATION_PRIVACY_DIR": str(folder / "privacy"),
        # Manifest and results are a second of work, which few tests read.
        "DBT_WRITE_JSON": str(alone),
        "NO_COLOR": "1",
        **(env or {}),
    }
    command = [str(DBT), "--no-use-colors", *arguments, "--vars", json.dumps(settings)]
    output = _PARSED.base / "output"
    with _PARSED.kept({"project": str(project), **settings}, folder / "target"):
        if alone:
            with (
                subprocess.Popen(
                    command,
                    cwd=PROJECT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    preexec_fn=largest_file and partial(_limit, largest_file),
                ) as process,
                output.open("wb") as file,
            ):
                for line in process.stdout:
                    file.write(line)
                    if at and at[0] in line.decode():
                        at[1](process)
                        at = None
            returncode = process.returncode
        else:
            returncode = _FORKS.run(command, environment, output)
    return Build(folder, raw_data, returncode, output.read_text(encoding="utf-8"))


def _limit(largest_file: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))


@pytest.fixture(scope="session", autouse=True)
def in_project():
    """Tests read files of the project by their path in it."""
    os.chdir(PROJECT)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory, worker_id) -> Path:
    """A folder that all workers of this run see."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def once(folder: Path, name: str) -> Iterator[Path]:
    """One worker at a time; who comes later finds what the first one made."""
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / name


@pytest.fixture(scope="session")
def demo_data(shared_folder) -> Path:
    """A small demo dataset with every source and every planted defect."""
    with once(shared_folder, "demo") as out:
        if not out.exists():
            generate(customers=600, seed=11, out=out)
    return out


@pytest.fixture(scope="session")
def demo_build(shared_folder, demo_data) -> Build:
    """`dbt build` of the small demo, with the settings of a user and all its data tests.

    Unit tests run once, under settings that are nobody's: `test_unit_tests_anywhere.py`.
    """
    with once(shared_folder, "demo_build") as folder:
        kept = folder / "build.pickle"
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            built = run_dbt(
                *("build", "--exclude-resource-type", "unit_test"),
                folder=folder,
                raw_data=demo_data,
                lean=False,
                tested=True,
                alone=True,
            )
            kept.write_bytes(pickle.dumps(built))
        build = pickle.loads(kept.read_bytes())
    assert build.returncode == 0, build.output[-4000:]
    return build
