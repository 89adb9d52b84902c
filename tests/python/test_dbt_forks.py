"""What runs dbt for the tests says and answers what the command of a shell does."""

import re

import pytest
from conftest import run_dbt


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
