"""What macros say on either engine; whole models are compared by test_spark.py."""

import re

import duckdb
from conftest import PROJECT, run_dbt

from python_ext.settings import DEFAULT_READERS


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


def read_moment(value: str) -> str:
    """Jinja that says in text what a source's value is read as."""
    return f"cast({{{{ parse_timestamp({value!r}) }}}} as varchar)"


def test_now_is_that_of_the_shop_and_a_moment_with_a_zone_its_local_time(tmp_path, demo_data):
    """Five hours from now, by a clock in Greenwich: future there, past in Tokyo."""
    typed = "cast('2024-06-01 10:00:00+00' as timestamptz)"
    plain = "'2024-06-01T10:00:00'"
    written = [
        "2024-06-01T10:00:00Z",
        "2024-06-01 10:00:00.0 UTC",
        " 2024-06-01T12:00:00+02:00 ",
        "2024-06-01T05:30:00.000-0430",
        "2024-06-01 12:00:00+02",
        "2024-06-01 12:00:00 +0200",
        "2024-06-01T10:00z",
        "2024-06-01T12:00+02:00\n",
    ]
    inline = (
        f"select 'at ' || {read_moment(typed)} as typed, 'written ' || (select "
        f"string_agg(distinct {read_moment('t')}, ',') from unnest({written}) as of_all(t)) "
        f"as written, 'plain ' || {read_moment(plain)} as plain, 'day ' || "
        "cast({{ parse_date(\"'2024-06-01T22:00:00-11:00'\") }} as varchar) as day, 'future ' || "
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
        assert f"written 2024-06-01 {hour}:00:00" in shown.output, shown.output[-2000:]
        assert "," not in shown.output.split("written ")[1].split('"')[0]
        assert "plain 2024-06-01 10:00:00" in shown.output
        assert 'day 2024-06-01"' in shown.output
        assert f"future {is_future}" in shown.output


def test_json_keeps_the_zone_of_a_moment(tmp_path):
    """The reader by itself would take 22:30Z for a moment of the shop's clock."""
    moments = ["2024-06-01 22:30:00"] * 21_000 + ["2024-06-02T22:30:00Z", "", "2024-06-03 10:00"]
    lines = "".join(f'{{"event_at": "{moment}"}}\n' for moment in moments)
    (tmp_path / "events.json").write_text(lines)
    reader = DEFAULT_READERS["json"].format(path=tmp_path / "events")
    read = duckdb.sql(f"select distinct event_at from {reader} order by 1").fetchall()
    assert [moment for (moment,) in read] == sorted(set(moments))
