"""Personal data stop before the features: by lineage, by value, and both tests bite."""

import json
import random
import shutil
from pathlib import Path

import duckdb
import jinja2
import pytest
from click.testing import CliRunner

from python_ext.cli import main
from python_ext.errors import SegmentationError
from python_ext.leaks import find_values, text_columns
from python_ext.lineage import ORDER, read_lineage
from python_ext.processing import record_of_processing
from python_ext.settings import project_vars

PREFIX = "model.customer_segmentation."
PUBLIC = (("marts", ""), ("intermediate", "int_customer_features"), ("ml", "ml_segment"))
PUBLIC += (("ml", "ml_customer_clusters"), ("ml", "ml_propensity"))


@pytest.fixture(scope="module")
def manifest(demo_build) -> dict:
    return json.loads((demo_build.target / "manifest.json").read_text())


@pytest.fixture(scope="module")
def lineage(manifest):
    return read_lineage(manifest)


def flows(lineage, model, column):
    """The forms in which each source column reaches a column."""
    forms = {}
    for flow in lineage.columns[model][column]:
        forms.setdefault(f"{flow.table}.{flow.column}", set()).add(flow.how)
    return forms


def copied(manifest, **changed):
    """The manifest with the SQL of some models changed: a function of the SQL each."""
    copy = json.loads(json.dumps(manifest))
    for name, change in changed.items():
        node = copy["nodes"][PREFIX + name]
        node["compiled_code"] = change(node["compiled_code"])
    return copy


def relation(manifest, name):
    return manifest["nodes"][PREFIX + name]["relation_name"]


def test_no_readable_personal_data_reach_anything_right_of_identity(lineage):
    assert [str(leak) for leak in lineage.leaks()] == []


def test_every_declassification_has_something_to_declassify(lineage):
    assert lineage.idle_declassifications() == []


def test_every_column_of_every_mart_is_followed(lineage, manifest):
    for name, path in lineage.paths.items():
        if path.startswith("models/marts/"):
            declared = set(manifest["nodes"][PREFIX + name]["columns"])
            assert set(lineage.columns[name]) == declared, name


def test_what_is_known_of_the_demo_is_found(lineage):
    key = flows(lineage, "customers", "customer_key")
    for column in ("crm.customers.email", "crm.customers.phone", "shop.orders.guest_email"):
        assert any(how.startswith("keyed hash") for how in key[column]), column
    # The region comes from the area table, looked up by the postcode.
    region = flows(lineage, "customers", "region")["crm.customers.postcode"]
    assert "two digits of the postcode" in region and "" not in region
    age = flows(lineage, "customers", "age_band")["crm.customers.birth_date"]
    assert "age in bands" in age and "" not in age
    # Which record's gender it is depends on the order of the records, and on no value of theirs.
    gender = flows(lineage, "customers", "gender")
    assert gender["crm.customers.gender"] == {""}
    assert gender["crm.customers.email"] == gender["shop.orders.guest_email"] == {ORDER}
    assert {"shop.order_lines.quantity", "shop.order_lines.unit_price"} <= set(
        flows(lineage, "customer_rfm", "monetary")
    )
    # A score of a rank is made of what was ranked; the code of the score, too.
    assert "shop.orders.ordered_at" in flows(lineage, "customer_rfm", "rfm_code")
    assert "web.events.event_at" in flows(lineage, "customer_segments", "purchase_band")


@pytest.mark.parametrize(
    "column",
    ["email", "phone", "last_name", "address", "birth_on", "social_handle", "email || '!'"],
)
def test_a_personal_column_under_another_name_is_a_leak(manifest, column):
    leaky = copied(
        manifest,
        customers=lambda sql: (
            f"select kept.*, people.{column} as contact_hint from ({sql}) as kept "
            f"cross join {relation(manifest, 'stg_crm__customers')} as people"
        ),
    )
    leaks = read_lineage(leaky).leaks()
    assert [(leak.model, leak.column) for leak in leaks] == [("customers", "contact_hint")]


def test_a_leak_is_followed_through_the_models_after_it(manifest):
    """Planted in identity, renamed twice, folded, cut, in a union and a case: it arrives."""
    leaky = copied(
        manifest,
        int_customers_merged=lambda sql: sql.replace(
            "from counted", ", surviving.social_handle as hint from counted", 1
        ),
        customers=lambda sql: (
            f"with kept as ({sql}), hints as (select customer_key, upper(substr(hint, 1, 9)) as h "
            f"from {relation(manifest, 'int_customers_merged')} union all select 'k', 'none') "
            "select kept.*, case when kept.is_prospect then hints.h else 'x' end as label "
            "from kept left join hints on kept.customer_key = hints.customer_key"
        ),
        customer_segments=lambda sql: (
            f"select kept.*, people.label as channel_hint from ({sql}) as kept left join "
            f"{relation(manifest, 'customers')} as people "
            "on kept.customer_key = people.customer_key"
        ),
    )
    found = {(leak.model, leak.column, leak.sources) for leak in read_lineage(leaky).leaks()}
    source = ("crm.customers.social_handle",)
    assert found == {("customers", "label", source), ("customer_segments", "channel_hint", source)}


@pytest.mark.parametrize(
    ("expression", "leaks"),
    [
        ("ntile(10) over (order by income)", True),
        ("rank() over (order by income)", True),
        ("case when income > 40000 then 'rich' end", True),
        ("count(*) filter (where income > 0) over ()", True),
        ("(select max(household_income) from {people})", True),
        ("case when income > 0 then kept.country else 'none' end", True),
        ("case when income > 0 then kept.country end", False),
        ("case when income > 0 then income end", True),
        ("row_number() over (order by income)", False),
        ("income is null", False),
        ("1", False),
    ],
)
def test_what_tells_a_value_is_a_leak_and_what_does_not_is_none(manifest, expression, leaks):
    people = relation(manifest, "stg_crm__customers")
    leaky = copied(
        manifest,
        customers=lambda sql: (
            f"with kept as ({sql}), people as (select household_income as income from {people}) "
            f"select kept.*, {expression.format(people=people)} as planted from kept, people"
        ),
    )
    assert bool(read_lineage(leaky).leaks()) == leaks


def test_a_column_that_no_longer_says_how_is_a_leak(manifest):
    bare = copied(manifest)
    column = bare["nodes"][PREFIX + "customers"]["columns"]["age_band"]
    column["config"]["meta"], column["meta"] = {}, {}
    assert [str(leak) for leak in read_lineage(bare).leaks()] == [
        "customers.age_band is made of crm.customers.birth_date"
    ]


def test_a_python_model_is_taken_to_use_everything(manifest):
    bare = copied(manifest)
    column = bare["nodes"][PREFIX + "int_customer_features"]["columns"]["age_years"]
    column["config"]["meta"], column["meta"] = {}, {}
    leaks = {(leak.model, leak.column) for leak in read_lineage(bare).leaks()}
    assert ("int_customer_features", "age_years") in leaks
    assert ("customer_scores", "probability") in leaks
    # The key of a score says that it comes from the key of the features alone.
    assert ("customer_scores", "customer_key") not in leaks


def test_a_wrong_derivation_and_a_manifest_without_sql_are_told(manifest, tmp_path):
    wrong = copied(manifest)
    column = wrong["nodes"][PREFIX + "ml_customer_clusters"]["columns"]["customer_key"]
    column["config"]["meta"] = column["meta"] = {"derived_from": ["int_customer_features.nothing"]}
    with pytest.raises(SegmentationError, match="ml_customer_clusters.customer_key: derived_from"):
        read_lineage(wrong)
    parsed = copied(manifest, customers=lambda _: None)
    with pytest.raises(SegmentationError, match="no compiled SQL of customers"):
        read_lineage(parsed)
    with pytest.raises(SegmentationError, match="written by a build"):
        read_lineage(tmp_path / "manifest.json")


@pytest.fixture
def broken(demo_build, tmp_path):
    """A copy of the warehouse to leak into."""
    copy = tmp_path / demo_build.database.name
    shutil.copyfile(demo_build.database, copy)
    with duckdb.connect(str(copy)) as connection:
        yield connection


def public_columns(connection):
    return [
        column
        for schema, prefix in PUBLIC
        for column in text_columns(connection, [schema], prefix=prefix)
    ]


def test_no_value_of_a_mart_names_a_person(demo_build):
    with duckdb.connect(str(demo_build.database), read_only=True) as connection:
        columns = public_columns(connection)
        assert len(columns) > 60
        assert [str(finding) for finding in find_values(connection, columns)] == []


def test_no_value_of_a_published_file_names_a_person(demo_build, tmp_path):
    from python_ext.publish import publish

    publish(
        demo_build.database,
        tmp_path,
        demo_build.target / "run_results.json",
        project_dir=Path.cwd(),
    )
    with duckdb.connect(str(demo_build.database), read_only=True) as connection:
        columns = [
            (f"'{file}'", name)
            for file in sorted((tmp_path / "parquet").glob("*.parquet"))
            for name, kind, *_ in connection.execute(f"describe select * from '{file}'").fetchall()
            if kind == "VARCHAR"
        ]
        assert len(columns) > 40
        assert find_values(connection, columns) == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("(select min(email) from staging.stg_crm__customers)", "e-mail address"),
        ("'write to someone.else+x@mail.example today'", "e-mail address"),
        ("(select min(phone) from staging.stg_crm__customers)", "phone number"),
        ("'call +33 6 12 34 56 78 now'", "phone number"),
        ("'06 12 34 56 78'", "phone number"),
        (
            "(select min(first_name || ' ' || upper(last_name)) from staging.stg_crm__customers)",
            "name of a person",
        ),
        (
            "(select 'asked by ' || min(last_name || ', ' || first_name) || ' at noon' "
            "from staging.stg_crm__customers)",
            "name of a person",
        ),
        ("(select min(last_name) from staging.stg_crm__customers)", "name"),
        ("(select min(address) from staging.stg_crm__customers)", "street"),
        ("(select min(social_handle) from staging.stg_crm__customers)", "social account"),
        ("(select min(guest_email) from staging.stg_shop__orders)", "e-mail address"),
    ],
)
def test_a_value_that_names_a_person_is_found_where_it_is(broken, value, kind):
    broken.execute(
        f"update marts.customer_scores set driver_2 = {value} where customer_key = (select "
        "min(customer_key) from marts.customer_scores where target = 'purchase') "
        "and target = 'purchase'"
    )
    # The other tables name nobody, as was seen above.
    looked_at = [c for c in public_columns(broken) if c[0] == 'marts."customer_scores"']
    assert len(looked_at) > 3
    found = find_values(broken, looked_at)
    assert {(finding.table, finding.column) for finding in found} == {
        ('marts."customer_scores"', "driver_2")
    }
    assert kind in {finding.kind for finding in found}
    assert all(finding.rows == 1 for finding in found)


def test_words_and_figures_are_no_names(broken):
    """A surname that is a category counts as a word, a key and a date as no phone number."""
    broken.execute(
        "update staging.stg_crm__customers set last_name = 'Champions' where customer_id = "
        "(select min(customer_id) from staging.stg_crm__customers)"
    )
    broken.execute(
        "create table marts.words as select 'Champions' as word union all select '2024-01-31' "
        "union all select '0123456789abcdef0123456789abcdef' union all select '1234567890.25' "
        "union all select 'FR-75' union all select '+12.5 %'"
    )
    assert find_values(broken, [('marts."words"', "word")]) == []


def test_the_record_of_processing_is_the_one_of_this_project(manifest):
    settings = project_vars(Path.cwd())
    text = record_of_processing(manifest, project_dir=Path.cwd(), settings=settings)
    committed = Path("docs/RECORD_OF_PROCESSING.md").read_text(encoding="utf-8")
    assert text == committed, "run `segmentation record-of-processing` after a build"


def test_the_command_writes_the_record_and_says_what_it_needs(demo_build, tmp_path):
    page = tmp_path / "docs" / "record.md"
    call = ["record-of-processing", "--out", str(page), "--manifest"]
    done = CliRunner().invoke(main, [*call, str(demo_build.target / "manifest.json")])
    assert (done.exit_code, done.output) == (0, f"Wrote {page}.\n")
    assert page.read_text(encoding="utf-8").startswith("# Record of processing\n")
    refused = CliRunner().invoke(main, [*call, str(tmp_path / "manifest.json")])
    assert refused.exit_code == 1 and "Run `make build`" in refused.output


def test_the_record_names_every_source_column_and_every_mart(manifest):
    text = Path("docs/RECORD_OF_PROCESSING.md").read_text(encoding="utf-8")
    for node in manifest["sources"].values():
        section = text.split(f"### `{node['source_name']}.{node['name']}`")[1].split("###")[0]
        for column in node["columns"].values():
            personal = bool((column.get("config", {}).get("meta") or column["meta"]).get("pii"))
            rows = [line for line in section.splitlines() if line.startswith("| ")]
            assert any(f"`{column['name']}`" in row for row in rows) == personal
            assert f"`{column['name']}`" in section
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and node["schema"] == "marts":
            assert f"| `{node['name']}` |" in text


def test_no_record_is_written_of_a_leak_or_without_a_purpose(manifest, tmp_path):
    settings = project_vars(Path.cwd())
    leaky = copied(
        manifest,
        customers=lambda sql: (
            f"select kept.*, people.email as contact_hint from ({sql}) as kept "
            f"cross join {relation(manifest, 'stg_crm__customers')} as people"
        ),
    )
    with pytest.raises(SegmentationError, match="customers.contact_hint is made of"):
        record_of_processing(leaky, project_dir=Path.cwd(), settings=settings)
    shutil.copytree("seeds", tmp_path / "seeds")
    seed = tmp_path / "seeds/reference/retention.csv"
    seed.write_text("\n".join(seed.read_text().splitlines()[:-1]))
    with pytest.raises(SegmentationError, match="no row for external.area_statistics"):
        record_of_processing(manifest, project_dir=tmp_path, settings=settings)


FLOOR = {
    "a small segment": "update ml.ml_segment_profiles set customers = 9 where segment_id = 1",
    "a feature few are known by": (
        "update ml.ml_segment_profiles set customers_known = 9 "
        "where segment_id = 1 and feature = 'frequency'"
    ),
    "one segment withheld alone": (
        "update marts.segment_profiles set customers = null where segment_id = 1"
    ),
    "one mean withheld alone": (
        "update marts.segment_profiles set mean = null "
        "where segment_id = 1 and feature = 'frequency'"
    ),
    "few in all": (
        "update ml.ml_segment_profiles set customers_known = case segment_id when 1 then 9 else 0 "
        "end where feature = 'frequency'"
    ),
    "a small audience": "update marts.audiences set members = 9 where audience = 'newsletter'",
    "few who did not agree": (
        "update marts.audiences set withheld_for_consent = 1 where audience = 'newsletter'"
    ),
    "few members": (
        "delete from marts.audience_members where audience = 'newsletter' and customer_key not in "
        "(select customer_key from marts.audience_members where audience = 'newsletter' "
        "order by 1 limit 9)"
    ),
    "a candidate with a small cluster": (
        "update marts.segment_quality set smallest_share = 9.0 / fitted_rows where is_chosen"
    ),
    "the stability of few": (
        "update ml.ml_segment_stability set customers = 9 where measure = 'bootstrap_jaccard' "
        "and segment_id = 1"
    ),
    "all of a segment but a few": (
        "update marts.segment_associations set top_customers = 101 where top_customers is not null"
    ),
    "a node of few": "update marts.segment_tree set customers = 9 where node_id = 2",
}


@pytest.mark.parametrize("name", FLOOR)
def test_a_group_under_the_floor_turns_the_build_red(name, broken, manifest):
    test = next(
        node
        for node in manifest["nodes"].values()
        if node["name"] == "no_published_group_is_under_the_floor"
    )
    assert broken.execute(test["compiled_code"]).fetchall() == []
    broken.execute(FLOOR[name])
    assert broken.execute(test["compiled_code"]).fetchall()


@pytest.mark.parametrize(("members", "is_red"), [(9, True), (10, False), (11, False), (0, False)])
def test_the_floor_is_ten(members, is_red, broken, manifest):
    test = next(
        node
        for node in manifest["nodes"].values()
        if node["name"] == "no_published_group_is_under_the_floor"
    )
    broken.execute("update marts.audiences set members = ?", [members])
    assert bool(broken.execute(test["compiled_code"]).fetchall()) == is_red


def withheld(sizes, floor):
    """Which groups of these sizes the macro withholds."""
    text = Path("macros/privacy.sql").read_text(encoding="utf-8")
    environment = jinja2.Environment()
    environment.globals["var"] = {"k_anonymity": floor}.get
    macros = environment.from_string(text).module
    expression = macros.is_withheld_among("size", "whole", "number")
    rows = ", ".join(f"('w', {number}, {size})" for number, size in enumerate(sizes))
    query = f"select {expression} from (values {rows}) as t (whole, number, size) order by number"
    return [row[0] for row in duckdb.execute(query).fetchall()]


def test_whatever_the_sizes_no_small_group_is_a_subtraction_away():
    draw = random.Random(7)
    hidden_some = 0
    for _ in range(400):
        floor = draw.randint(2, 12)
        sizes = [draw.choice((0, draw.randint(1, 30))) for _ in range(draw.randint(1, 7))]
        hidden = withheld(sizes, floor)
        groups = [(size, is_hidden) for size, is_hidden in zip(sizes, hidden, strict=True) if size]
        kept_back = [size for size, is_hidden in groups if is_hidden]
        assert not any(is_hidden for size, is_hidden in zip(sizes, hidden, strict=True) if not size)
        if not any(size < floor for size, _ in groups):
            assert not kept_back
            continue
        hidden_some += 1
        assert all(is_hidden for size, is_hidden in groups if size < floor)
        if len(kept_back) < len(groups):
            # The rest of the whole is two groups or more, and no small group itself.
            assert len(kept_back) >= 2 and sum(kept_back) >= floor, (sizes, floor)
            # No more is kept back than that needs: without the largest it would not do.
            without = sorted(kept_back)[:-1]
            needed = len(without) < 2 or sum(without) < floor or max(kept_back) < floor
            assert needed, (sizes, floor, kept_back)
        shown = [size for size, is_hidden in groups if not is_hidden]
        assert not shown or min(shown) >= max(kept_back)
    assert hidden_some > 100
