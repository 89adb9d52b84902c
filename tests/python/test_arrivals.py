"""Tables that are built by arrival: what was built load by load is what is built at once."""

import json
import re
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from _datasets import row_query
from conftest import PROJECT, Build, run_dbt

from python_ext._arriving_files import unlike_files
from python_ext.errors import SegmentationError
from python_ext.input_check import check_dataset
from python_ext.loads import refuse_unfinished, settings_fingerprint
from python_ext.privacy._files import table_sql
from python_ext.settings import (
    ARRIVING_TABLES,
    DEFAULT_READERS,
    dataset_vars,
    raw_files,
    table_of_file,
)
from python_ext.synth import generate

STAGED = ("stg_web__events", "stg_email__events", "stg_shop__orders", "stg_shop__order_lines")
TABLES = {
    **{model: f"staging.{model}" for model in STAGED},
    "int_web_visits": "intermediate.int_web_visits",
    "int_email_responses": "intermediate.int_email_responses",
}
KEYS = {
    "web.events": "event_id",
    "email.events": "event_id",
    "shop.orders": "order_id",
    "shop.order_lines": "order_id || '-' || line_number",
}


@pytest.fixture(scope="module")
def delivered(tmp_path_factory) -> Path:
    """A demo whose last ten days arrived one by one."""
    folder = tmp_path_factory.mktemp("delivered") / "demo"
    generate(customers=200, seed=3, out=folder, arrivals=10)
    return folder


def deliver(delivered: Path, here: Path, files: int) -> Path:
    """The dataset as it was when so many files of each event table had arrived."""
    if not here.exists():
        shutil.copytree(delivered, here)
        for table in ARRIVING_TABLES:
            for file in raw_files(here, table, "parquet"):
                file.unlink()
    for table in ARRIVING_TABLES:
        for file in raw_files(delivered, table, "parquet")[:files]:
            there = here / file.relative_to(delivered)
            if not there.exists():
                shutil.copy2(file, there)
    return here


def build(folder: Path, raw_data: Path) -> Build:
    built = run_dbt("run", "--select", " ".join(TABLES), folder=folder, raw_data=raw_data)
    assert built.returncode == 0, built.output[-3000:]
    return built


def build_first(folder: Path, raw_data: Path) -> Build:
    """The models with all they read: seeds and tables that are no arrivals."""
    wanted = " ".join(f"+{model}" for model in TABLES)
    kinds = ("--resource-type", "model", "--resource-type", "seed")
    built = run_dbt("build", "--select", wanted, *kinds, folder=folder, raw_data=raw_data)
    assert built.returncode == 0, built.output[-3000:]
    return built


def differences(one: Path, other: Path, tables: list[str], *, without: str) -> dict:
    """Rows of either database that the other lacks, for every table in which they differ."""
    found = {}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        for table in tables:
            first, second = (
                f"select columns(lambda name: name not in ({without})) from {database}.{table}"
                for database in ("one", "other")
            )
            lacking = tuple(
                connection.execute(f"select count(*) from ({a} except all {b})").fetchone()[0]
                for a, b in ((first, second), (second, first))
            )
            if lacking != (0, 0):
                found[table] = lacking
    return found


@pytest.fixture(scope="module")
def by_load(delivered, tmp_path_factory) -> Build:
    """Ten days in four loads; benchmarks/arrivals.py takes each day, and every table."""
    folder = tmp_path_factory.mktemp("by_load")
    built = build_first(folder, deliver(delivered, folder / "raw", 1))
    for files in (2, 3, 6, 11):
        built = build(folder, deliver(delivered, folder / "raw", files))
        assert "as a whole" not in built.output
    return built


@pytest.fixture(scope="module")
def at_once(delivered, tmp_path_factory) -> Build:
    return build_first(tmp_path_factory.mktemp("at_once"), delivered)


def test_loads_one_after_the_other_equal_one_of_everything(by_load, at_once):
    tables = list(TABLES.values())
    assert differences(by_load.database, at_once.database, tables, without="'loaded_in'") == {}


@pytest.mark.parametrize("model", STAGED)
def test_the_loads_held_what_could_go_wrong(model, by_load):
    """Most rows were written once; some came again, or otherwise, or late."""
    table = TABLES[model]
    rows, kept, again = by_load.rows(
        "select count(*), count(*) filter (where loaded_in = 1), "
        f"count(*) filter (where occurrence > 1 and loaded_in > 1) from {table}"
    )[0]
    assert again and rows / 2 < kept < rows
    if model != "stg_shop__order_lines":
        moment = "ordered_at" if "order" in model else "event_at"
        late = by_load.rows(
            f"select count(*) from {table} where source_file not like '%2026-06-20%' "
            f"and cast({moment} as date) < cast(source_file[-18:-9] as date)"
        )[0][0]
        assert late, table


def test_a_quiet_load_writes_nothing_and_a_changed_file_everything(by_load):
    folder, raw = by_load.folder, by_load.folder / "raw"
    latest = f"select max(loaded_in), count(*) from {TABLES['stg_web__events']}"
    before = by_load.rows(latest)
    quiet = build(folder, raw)
    assert quiet.rows(latest) == before and "as a whole" not in quiet.output
    # Nor does a setting that no row depends on, once the run before has passed.
    with duckdb.connect(str(quiet.database)) as connection:
        connection.execute(
            "update bookkeeping.arrivals set version = 'passed' "
            "where model = '' and source_table = ''"
        )
    other = ("run", "--select", " ".join(TABLES))
    other = run_dbt(*other, folder=folder, raw_data=raw, variables={"k_anonymity": 20})
    assert other.returncode == 0 and "as a whole" not in other.output, other.output[-3000:]

    file = raw_files(raw, "web.events", "parquet")[3]
    rows = duckdb.sql(f"select * from '{file}' limit 1").to_arrow_table()
    duckdb.from_arrow(rows).write_parquet(str(file))
    changed = build(folder, raw)
    said = re.findall(r"(\w+) is rebuilt as a whole: (.*)", changed.output)
    assert [model for model, _ in said] == ["stg_web__events", "int_web_visits"]
    assert file.name in said[0][1] and said[0][1].endswith("has changed or is gone")
    assert changed.rows(latest)[0][1] < before[0][1]


@pytest.mark.parametrize("table", ARRIVING_TABLES)
def test_in_the_end_arrivals_say_what_one_file_says(table, delivered, tmp_path_factory):
    """The latest row of each key is that of the plain demo of the same seed."""
    plain = tmp_path_factory.mktemp("plain") / "demo"
    generate(customers=200, seed=3, out=plain)
    name = table.replace(".", "/")
    latest = (
        f"select * from '{delivered}/{name}/*.parquet' qualify dense_rank() over "
        f"(partition by {KEYS[table]} order by filename desc) = 1 or {KEYS[table]} is null"
    )
    whole = f"select * from '{plain}/{name}.parquet'"
    for one, other in ((latest, whole), (whole, latest)):
        assert duckdb.sql(f"select count(*) from ({one} except {other})").fetchone() == (0,)


def test_a_folder_is_found_and_checked(delivered, tmp_path):
    settings = dataset_vars(str(delivered), project_dir=PROJECT).vars
    assert settings["raw_folders"] == list(ARRIVING_TABLES)
    raw = deliver(delivered, tmp_path / "raw", 2)
    checked = {"sources": {}, "raw_format": "parquet"}
    assert check_dataset(PROJECT, str(raw), **checked) == []
    file = raw / "shop" / "orders" / "2026-06-25.parquet"
    file.write_bytes(b"cut short")
    (problem,) = check_dataset(PROJECT, str(raw), **checked)
    assert problem.table == "orders" and "cannot be read" in problem.what
    file.unlink()
    # What is being written has a leading point, and is no arrival yet.
    file.with_name(".2026-06-25.parquet").write_bytes(b"half")
    assert check_dataset(PROJECT, str(raw), **checked) == []
    assert table_of_file(raw, file) == "shop.orders"

    for empty in raw_files(raw, "email.events", "parquet"):
        empty.unlink()
    (problem,) = check_dataset(PROJECT, str(raw), **checked)
    assert "no file of an arrival" in problem.what and "sort by arrival" in problem.todo

    shutil.copy2(delivered / "web/events/2026-06-30.parquet", raw / "web/events.parquet")
    with pytest.raises(SegmentationError, match=r"web.events twice"):
        dataset_vars(str(raw), project_dir=PROJECT)


def write_again(file: Path, columns: str) -> None:
    """A file of the folder with other columns."""
    rows = duckdb.sql(f"select {columns} from '{file}'").arrow().read_all()
    pq.write_table(rows, file)


def test_files_of_a_folder_need_the_same_columns_and_keys_of_one_type(delivered, tmp_path):
    raw = deliver(delivered, tmp_path / "raw", 3)
    checked = {"sources": {}, "raw_format": "parquet"}
    first, _, last = raw_files(raw, "shop.order_lines", "parquet")
    # Whole prices in the first file, a day without discounts or campaigns: what pandas writes.
    write_again(first, "* replace (cast(unit_price as bigint) as unit_price)")
    events = raw_files(raw, "web.events", "parquet")[0]
    rows = pq.read_table(events)
    nothing = pa.nulls(len(rows))
    place = rows.column_names.index("utm_campaign")
    pq.write_table(rows.set_column(place, "utm_campaign", nothing), events)
    assert check_dataset(PROJECT, str(raw), **checked) == []
    reader = DEFAULT_READERS["parquet"].replace("{path}", f"{raw}/shop/order_lines/[!.]*")
    prices = f"select count(*) from {reader} where filename = '{last}' and unit_price % 1 <> 0"
    assert duckdb.sql(prices).fetchone()[0], "prices of the later file are rounded"

    write_again(last, "* exclude (unit_price) replace (length(product_id) as product_id)")
    problems = check_dataset(PROJECT, str(raw), **checked)
    assert [(problem.table, problem.column) for problem in problems] == [
        ("order_lines", "product_id"),
        ("order_lines", "unit_price"),
    ]
    assert f"bigint in {last.name}, varchar in {first.name}" in problems[0].what
    assert problems[1].what == f"1 of 3 files lacks the column: {last.name}"


def test_a_column_that_was_empty_at_first_takes_the_text_that_comes_later(delivered, tmp_path):
    raw = deliver(delivered, tmp_path / "raw", 1)
    (first,) = raw_files(raw, "shop.orders", "parquet")
    write_again(first, "* replace (null::integer as guest_email)")
    asked = ("build", "--select", "+stg_shop__orders", "--exclude-resource-type", "test")
    built = run_dbt(*asked, folder=tmp_path, raw_data=raw)
    assert built.returncode == 0, built.output[-3000:]
    deliver(delivered, raw, 11)
    last = raw_files(raw, "shop.orders", "parquet")[-1]
    write_again(last, "* replace ('anna@example.org' as guest_email)")
    later = run_dbt("run", "--select", "stg_shop__orders", folder=tmp_path, raw_data=raw)
    assert later.returncode == 0 and "as a whole" not in later.output, later.output[-3000:]
    assert later.rows("select count(guest_email_raw) > 0 from staging.stg_shop__orders")[0][0]


def test_a_column_that_hides_the_file_of_a_row_is_told(tmp_path):
    query = "select 'a' as id, 1 as price, 'x' as \"Filename\""
    duckdb.sql(f"copy ({query}) to '{tmp_path}/a.parquet'")
    ((column, what, _),) = unlike(tmp_path, "parquet")
    assert column == "filename" and what.endswith("is known: a.parquet")


def unlike(folder: Path, suffix: str, texts=("id",)):
    pattern = f"{folder}/[!.]*.{suffix}"
    reader = DEFAULT_READERS[suffix].replace(f"{{path}}.{suffix}", pattern)
    with duckdb.connect() as connection:
        return unlike_files(connection, reader, pattern, ["id", "price"], texts=texts)


def test_json_that_lacks_a_column_is_told(tmp_path):
    for name, columns in (("a", "1 as id, 2.5 as price"), ("b", "2 as id")):
        duckdb.sql(f"copy (select {columns}) to '{tmp_path}/{name}.json'")
    (tmp_path / "c.json").write_text("[]")
    ((column, what, _),) = unlike(tmp_path, "json")
    assert (column, what) == ("price", "1 of 3 files lacks the column: b.json")


def test_types_that_files_only_seem_to_differ_in_are_alike(tmp_path):
    """Nulls of any type, and what a reader of JSON takes text for."""
    for number, cell in enumerate(("'x1'", "null::double", "null::integer", "date '2024-01-02'")):
        query = f"select {cell} as id, {number} + 0.5 as price, {{'id': 7}} as within"
        duckdb.sql(f"copy ({query}) to '{tmp_path}/{number}.parquet'")
        duckdb.sql(f"copy ({query}) to '{tmp_path}/{number}.json'")
    assert unlike(tmp_path, "parquet") == unlike(tmp_path, "json") == []
    duckdb.sql(f"copy (select 7 as id, 1 as price) to '{tmp_path}/9.parquet'")
    ((column, what, _),) = unlike(tmp_path, "parquet")
    assert column == "id" and what.endswith("types: integer in 9.parquet, varchar in 0.parquet")


@pytest.mark.parametrize("suffix", ["parquet", "json"])
def test_fractions_in_a_late_file_stay(suffix, tmp_path):
    for number in range(40):
        price = "12.99" if number == 39 else "13"
        duckdb.sql(f"copy (select {price} as price) to '{tmp_path}/{number:02}.{suffix}'")
    for reader in (
        DEFAULT_READERS[suffix].replace("{path}", f"{tmp_path}/[!.]*"),
        table_sql(*sorted(tmp_path.iterdir())),
    ):
        assert duckdb.sql(f"select min(cast(price as double)) from {reader}").fetchone() == (12.99,)


def test_a_type_that_a_new_file_changes_rebuilds_the_table(tmp_path):
    """A JSON column of UUIDs is none any more with the first number that is no UUID."""
    shop = tmp_path / "raw" / "shop"
    (shop / "orders").mkdir(parents=True)
    duckdb.sql(f"copy ({row_query('shop.order_lines', rows=1)}) to '{shop}/order_lines.json'")

    def deliver_orders(day: str, *orders: tuple[str, str]) -> None:
        rows = [
            row_query("shop.orders", rows=1, order_id=f"'{number}'", status=f"'{status}'")
            for number, status in orders
        ]
        duckdb.sql(f"copy ({' union all '.join(rows)}) to '{shop}/orders/{day}.json'")

    def built(name: str) -> Build:
        wanted = ("--select", "+stg_shop__orders", "--exclude-resource-type", "test")
        found = run_dbt(
            *("build", *wanted),
            folder=tmp_path / name,
            raw_data=tmp_path / "raw",
            env={"SEGMENTATION_SECRET": "a secret of more than sixteen letters"},
        )
        assert found.returncode == 0, found.output[-3000:]
        return found

    first, second = ("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "B0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11")
    deliver_orders("2026-11-28", (first, "completed"), (second, "completed"))
    built("by_load")
    deliver_orders("2026-11-29", (first, "returned"), ("POS-77", "completed"))
    by_load, at_once = built("by_load"), built("at_once")
    assert "is rebuilt as a whole" in by_load.output
    tables = ["staging.stg_shop__orders"]
    assert differences(by_load.database, at_once.database, tables, without="'loaded_in'") == {}
    # As it was delivered, and no second order in small letters.
    again = f"select count(*) from {tables[0]} where upper(order_id) = '{first}'"
    assert by_load.rows(again) == [(2,)]
    assert by_load.rows(f"{again} and order_id = '{first}'") == [(2,)]


def test_a_file_that_comes_in_during_a_load_belongs_to_the_next(by_load):
    """Counted are the rows of the files that staging has read, whatever lies there by now."""
    folder, raw = by_load.folder, by_load.folder / "raw"
    latest = raw_files(raw, "web.events", "parquet")[-1]
    later = latest.with_name("2027-01-01.parquet")
    query = f"select * replace ('later-' || event_id as event_id) from '{latest}'"
    duckdb.sql(f"copy ({query}) to '{later}'")
    staged = by_load.rows("select count(*) from staging.stg_web__events")[0][0]
    for read_by in ("", "stg_web__events"):
        inline = (
            "select 'rows ' || count(*) as counted, 'file ' || max(filename) as latest from "
            f"{{{{ source_rows(source('web', 'events'), 'web.events', '{read_by}') }}}}"
        )
        asked = ("show", "--output", "json", "--inline", inline)
        shown = run_dbt(*asked, folder=folder, raw_data=raw)
        assert f"rows {staged}" in shown.output and later.name not in shown.output, shown.output
    came = duckdb.sql(f"select count(*) from '{later}'").fetchone()[0]
    assert build(folder, raw).rows("select count(*) from staging.stg_web__events") == [
        (staged + came,)
    ]


def text_of(folder: str) -> dict[str, str]:
    return {
        file.stem: file.read_text(encoding="utf-8")
        for suffix in ("sql", "py")
        for file in (PROJECT / folder).rglob(f"*.{suffix}")
    }


def test_every_var_that_decides_over_a_row_is_in_the_fingerprint():
    """All vars that models built by arrival read, themselves or through macros, are listed."""
    bodies = {}
    for text in text_of("macros").values():
        for name, body in re.findall(r"{% macro (\w+)\((.*?){%-? endmacro", text, re.S):
            bodies[name] = body
    models = [text for text in text_of("models").values() if "built_by_arrival(" in text]
    assert len(models) == len(TABLES)
    # Readers stand in the sources; whether a table is a folder shows in its files.
    read, waiting = {"raw_readers"}, models
    seen = {"find_settings_of_model", "name_of_run"}
    while waiting:
        text = waiting.pop()
        read |= set(re.findall(r"\bvar\(\s*['\"](\w+)['\"]", text))
        for name in set(re.findall(r"\b(\w+)\(", text)) & set(bodies) - seen:
            seen.add(name)
            waiting += [bodies[name], bodies.get(f"default__{name}", "")]
    listed = re.search(r"macro vars_that_decide.*?endmacro", text_of("macros")["arrivals"], re.S)
    assert read - {"raw_folders"} == set(re.findall(r"'(\w+)'", listed[0]))


def test_the_macro_and_the_settings_name_the_same_tables():
    listed = re.search(r"macro arriving_tables.*?endmacro", text_of("macros")["arrivals"], re.S)
    assert re.findall(r"'(\w+\.\w+)'", listed[0]) == list(ARRIVING_TABLES)


def selected(name: str) -> set[str]:
    """The models that a selector lists by name."""
    selectors = yaml.safe_load((PROJECT / "selectors.yml").read_text())["selectors"]
    definition = next(each for each in selectors if each["name"] == name)["definition"]
    return {item for item in definition["union"] if isinstance(item, str)}


def test_what_reads_earlier_cutoffs_is_not_run_daily():
    """A daily run makes today's features alone: what judges by others would be emptied by it."""
    models = text_of("models")
    seeds = {file.stem for file in (PROJECT / "seeds").rglob("*.csv")}
    assert selected("learning") | selected("describing") <= set(models) | seeds
    earlier = {
        name
        for name, text in models.items()
        if re.search(
            r"'test'|'train'|<> 'score'|select (min|max)\(cutoff_on\)|fit_lifetimes|list_decay"
            "|run_propensity",
            text,
        )
    }
    # These make or score what there is, or look back in a first run only.
    harmless = {"int_cutoffs", "ml_propensity_scores", "ml_segment_backcast", "ml_segment_history"}
    assert earlier - harmless <= selected("learning") and len(earlier - harmless) > 8


def test_every_run_tests_consent_and_small_groups(demo_data, tmp_path):
    """dbt leaves out a test that reads any table which the run leaves."""
    guarding = selected("guarding")
    assert guarding <= {file.stem for file in (PROJECT / "tests").rglob("*.sql")}
    for run in ("hourly", "daily"):
        asked = ("ls", "--quiet", "--output", "name", "--selector", run)
        listed = run_dbt(*asked, folder=tmp_path, raw_data=demo_data, lean=False, tested=True)
        names = set(listed.output.split())
        assert guarding <= names, listed.output[-3000:]
        assert not {"int_categories_ranked", "propensity_targets", "model_metrics"} & names
        assert {"customer_segments", "ml_propensity_scores"} <= names


# Runs of a warehouse, and which run must come before a small one is published; None if it is.
RUNS = {
    "a complete run": ([("complete", "passed")], None),
    "no complete run": ([("hourly", "passed")], "retrain"),
    "a larger run that failed": ([("complete", "passed"), ("daily", "begun")], "daily"),
    "a complete run that failed": ([("complete", "passed"), ("complete", "begun")], "retrain"),
    "an hourly run that failed and was mended": (
        [("complete", "passed"), ("hourly", "begun"), ("hourly", "passed")],
        None,
    ),
    "a daily run that failed and was mended": (
        [("complete", "passed"), ("daily", "begun"), ("daily", "passed")],
        None,
    ),
    "a part that failed, which no smaller run mends": (
        [("complete", "passed"), ("part", "begun"), ("part", "passed"), ("daily", "passed")],
        "retrain",
    ),
    "a daily run of other settings": (
        [("complete", "passed"), ("daily", "passed", "other"), ("hourly", "passed")],
        "daily",
    ),
    "a daily run of other settings, and one of the old ones": (
        [("complete", "passed"), ("daily", "passed", "other"), ("daily", "passed")],
        None,
    ),
}
SAME, OTHER = (json.dumps({"as": "before", "k_anonymity": value}) for value in ("ten", "five"))


@pytest.mark.parametrize("case", RUNS)
def test_a_small_run_is_published_over_a_larger_one_that_passed(case):
    runs, mends = RUNS[case]
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("create schema warehouse.bookkeeping")
        connection.execute(
            "create table warehouse.bookkeeping.arrivals (model varchar, source_table varchar, "
            "file varchar, version varchar, settings varchar, load_number integer)"
        )
        for number, (run, version, *other) in enumerate([*runs, ("hourly", "passed")]):
            connection.execute(
                "insert into warehouse.bookkeeping.arrivals values ('', '', ?, ?, ?, ?)",
                [OTHER if other else SAME, version, run, number],
            )
        if mends is None:
            refuse_unfinished(connection, "warehouse")
        else:
            with pytest.raises(SegmentationError, match=f"did not pass.*`make {mends}`"):
                refuse_unfinished(connection, "warehouse")
        connection.execute(
            "update warehouse.bookkeeping.arrivals set file = $1 "
            "where load_number = (select max(load_number) from warehouse.bookkeeping.arrivals)",
            [OTHER],
        )
        changed = r"settings have changed since the last whole build \(k_anonymity\)"
        has_base = ("complete", "passed") in runs
        with pytest.raises(SegmentationError, match=changed if has_base else "did not pass"):
            refuse_unfinished(connection, "warehouse")


def test_the_first_build_of_a_warehouse_is_a_whole_one(delivered, tmp_path):
    refused = run_dbt("build", "--selector", "daily", folder=tmp_path, raw_data=delivered)
    assert refused.returncode != 0
    said = " ".join(refused.output.split())
    assert "of this warehouse none is noted. Run `make retrain` first" in said, said[-1500:]

    with duckdb.connect(str(refused.database)) as connection:
        connection.execute("create schema if not exists bookkeeping")
        connection.execute(
            "create or replace table bookkeeping.arrivals as select '' as model, "
            "'' as source_table, '' as file, 'passed' as version, 'complete' as settings, "
            "1 as load_number"
        )
    mixed = run_dbt("build", "--selector", "daily", folder=tmp_path, raw_data=delivered)
    assert mixed.returncode != 0
    said = " ".join(mixed.output.split())
    assert "the daily run learns nothing" in said.lower(), said[-1500:]


def test_settings_of_a_run_are_its_own_but_for_how_much_it_builds():
    def of(**given) -> str:
        return settings_fingerprint(PROJECT, json.dumps(given))

    assert of(cutoffs="score", segments_refit="never") == of() == of(k_anonymity=10)
    assert of(as_of_date="2026-01-01") == of()
    assert of(k_anonymity=20) != of()
