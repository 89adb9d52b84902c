"""What macros say on either engine; whole models are compared by test_spark.py."""

import re

import duckdb
from conftest import PROJECT, run_dbt


def letters_of_spark() -> dict[str, str]:
    """The letters that `spark__fold_text` replaces, and by what."""
    text = (PROJECT / "macros" / "dialect.sql").read_text(encoding="utf-8")
    body = re.search(r"macro spark__fold_text.*?endmacro", text, re.S)[0]
    old, new = (
        "".join(re.findall(r"'([^']+)'", part)) for part in re.findall(r"'{{(.*?)}}'", body, re.S)
    )
    assert len(old) == len(new) > 200
    return dict(zip(old, new, strict=True))


def test_letters_lose_their_accents_on_spark_as_on_duckdb():
    known = letters_of_spark()
    latin = [chr(code) for code in [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)]]
    small = [letter for letter in latin if letter.isalpha() and letter == letter.lower()]
    folded = duckdb.execute(
        "select letter, strip_accents(letter) from (select unnest($1) as letter)", [small]
    ).fetchall()
    assert {letter: plain for letter, plain in folded if plain != letter} == known


def test_now_is_that_of_the_shop_and_a_moment_with_a_zone_its_local_time(tmp_path, demo_data):
    """Five hours from now, by a clock in Greenwich: future there, past in Tokyo."""
    moment = "cast('2024-06-01 10:00:00+00' as timestamptz)"
    inline = (
        f"select 'at ' || cast(cast({moment} as timestamp) as varchar) as moment, 'future ' || "
        "({{ is_in_future(\"(now() at time zone 'UTC' + interval 5 hour)\") }}) as future"
    )
    for zone, hour, is_future in (("UTC", 10, "true"), ("Asia/Tokyo", 19, "false")):
        shown = run_dbt(
            *("show", "--output", "json", "--inline", inline),
            folder=tmp_path,
            raw_data=demo_data,
            variables={"time_zone": zone},
        )
        assert f"at 2024-06-01 {hour}:00:00" in shown.output, shown.output[-2000:]
        assert f"future {is_future}" in shown.output
