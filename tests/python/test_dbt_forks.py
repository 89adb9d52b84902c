"""What runs dbt for the tests says, answers and builds what the command of a shell does."""

import re

import pytest
import yaml
from conftest import PROJECT, project_without_tests, run_dbt


@pytest.mark.parametrize(
    ("command", "environment", "code", "words"),
    [
        ("debug", {}, 0, "All checks passed!"),
        ("debug", {"DBT_PROFILES_DIR": "seeds"}, 1, "profiles.yml file [ERROR not found]"),
        ("no-such-command", {}, 2, "No such command 'no-such-command'"),
    ],
)
def test_a_fork_says_what_a_command_of_its_own_says(
    command, environment, code, words, demo_data, tmp_path
):
    ways = [
        run_dbt(command, folder=tmp_path / "same", raw_data=demo_data, env=environment, alone=alone)
        for alone in (False, True)
    ]
    assert [way.returncode for way in ways] == [code, code]
    changing = r"\d\d:\d\d:\d\d|python path: .*"
    forked, alone = (re.sub(changing, "", way.output) for way in ways)
    assert words in forked and forked == alone


def declared(project, folder):
    """Every file with its content; of YAML what it says of each model and column."""
    for file in sorted((project / folder).rglob("*")):
        if file.suffix == ".yml":
            content = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
            yield file.relative_to(project), content
        elif file.is_file():
            yield file.relative_to(project), file.read_bytes()


def differences(one, two, place=()):
    """Where two YAML contents differ, and what stands there."""
    if isinstance(one, dict) and isinstance(two, dict):
        for name in one.keys() | two.keys():
            yield from differences(one.get(name), two.get(name), (*place, name))
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for number, pair in enumerate(zip(one, two, strict=True)):
            yield from differences(*pair, (*place, number))
    elif one != two:
        yield place, two


@pytest.mark.parametrize("folder", ["models", "macros", "seeds"])
def test_the_project_without_tests_lacks_nothing_else(folder):
    whole = dict(declared(PROJECT, folder))
    copy = dict(declared(project_without_tests(), folder))
    assert whole.keys() == copy.keys()
    differing = [found for file in whole for found in differences(whole[file], copy[file])]
    assert {(place[-1], left) for place, left in differing} <= {
        ("data_tests", None),
        ("unit_tests", None),
    }
    assert (len(differing) > 50) == (folder != "macros")
