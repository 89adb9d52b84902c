"""The cards of the models: the figures of the marts, nothing where there is nothing, discreet."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from _made_up_models import AUC
from _made_up_publication import write
from click.testing import CliRunner

from python_ext.cli import main
from python_ext.errors import SegmentationError
from python_ext.model_cards import DECISIONS, run_decision, write_model_cards
from python_ext.model_cards._pictures import _ticks
from python_ext.model_cards._read import NEEDED, large_enough, read_cards
from python_ext.model_cards._texts import TEXTS
from python_ext.model_cards._words import CardPage
from python_ext.report._language import HARD, Language

EN = Language("en", TEXTS)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("published") / "segments.duckdb")


@pytest.fixture(scope="module")
def pages(published) -> dict[str, str]:
    return {language: page_of(published, language) for language in ("en", "fr")}


@pytest.fixture
def changed(published, tmp_path):
    """A page after the marts were changed."""

    def make(*statements: str, language: str = "en") -> str:
        file = tmp_path / "changed.duckdb"
        file.write_bytes(published.read_bytes())
        with duckdb.connect(str(file)) as connection:
            for statement in statements:
                connection.execute(statement)
        return page_of(file, language)

    return make


def page_of(file: Path, language: str = "en") -> str:
    out = file.with_suffix(f".{language}.html")
    write_model_cards(file, out, language=language)
    return out.read_text(encoding="utf-8")


def words_of(page: str) -> str:
    """What a reader sees."""
    page = re.sub(r"<(style|script).*?</\1>", " ", page, flags=re.DOTALL)
    told = html.unescape(re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", page)))
    return re.sub(r" +", " ", told.replace(HARD, " "))


def card(page: str, key: str) -> str:
    """The words of a section."""
    found = re.findall(rf'<section id="{key}".*?</section>', page, re.DOTALL)
    assert len(found) == 1, key
    return words_of(found[0])


def glance(page: str, name: str) -> list[str]:
    """The row of a target in the table at the top, cell by cell."""
    table = re.search(r'<section id="overview".*?</section>', page, re.DOTALL).group()
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr>")[2:]]
    return next(
        cells for row in rows if (cells := [words_of(cell).strip() for cell in row])[0] == name
    )


class Reader(HTMLParser):
    """Whether every element is closed, and every id its own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in {"meta", "input", "br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


# The page


def test_page_is_whole_and_asks_nothing_of_anybody(pages):
    for page in pages.values():
        reader = Reader(page)
        assert reader.wrong == [] and reader.open == []
        assert len(reader.ids) == len(set(reader.ids))
        assert not re.search(r"(https?:)?//[a-z0-9]", page, re.IGNORECASE)
        assert "default-src 'none'" in html.unescape(page)
        assert set(re.findall(r'href="#([^"]+)"', page)) <= set(reader.ids)


def test_equal_marts_give_equal_bytes(pages, tmp_path):
    assert page_of(write(tmp_path / "segments.duckdb")) == pages["en"]


def test_texts_lie_inside_their_picture(pages):
    for page in pages.values():
        for box, content in re.findall(r'<svg viewBox="0 0 ([\d. ]+)".*?>(.*?)</svg>', page):
            width, height = (float(part) for part in box.split())
            for x, y in re.findall(r'<(?:text|circle) c?x="([-\d.]+)" c?y="([-\d.]+)"', content):
                assert -1 <= float(x) <= width + 1 and -1 <= float(y) <= height + 1


# Figures


def test_the_table_at_the_top_holds_the_figures_of_the_marts(pages):
    assert glance(pages["en"], "Purchase") == [
        "Purchase",
        "gradient boosting",
        "0.876 [0.861, 0.890]",
        "0.812",
        "3.2",
        "yes, within noise",
        "kept",
        "1 major drift",
    ]
    churn = glance(pages["en"], "Churn")
    assert churn[1:7] == [
        "logistic regression",
        "0.703 [0.654, 0.750]",
        "0.688",
        "1.8",
        "too high in 1 of 10 ranges",
        "challenger refused",
    ]
    assert churn[7] == (
        "1 figure decayed, 1 major drift, 1 moderate drift, 1 range off and 1 group served worse"
    )


def test_every_figure_of_a_model_is_that_of_the_mart(pages, published):
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(
            "select target, metric, value from marts.model_metrics "
            "where is_champion and split = 'out_of_time' and target in ('purchase', 'churn')"
        ).fetchall()
    digits = {"auc": 3, "log_loss": 4, "lift_top_decile": 1, "expected_calibration_error": 3}
    looked_at = 0
    for target, metric, value in rows:
        if metric in digits:
            told = card(pages["en"], f"card-{target}")
            after = told.split(TEXTS[f"metric_{metric}"][0])[1:]
            assert any(part.strip().startswith(f"{value:.{digits[metric]}f}") for part in after)
            looked_at += 1
    assert looked_at == 8


def test_the_gap_to_a_random_split_is_seen(pages):
    assert "would have promised 0.901: 0.025 more" in card(pages["en"], "card-purchase")
    churn = card(pages["en"], "card-churn")
    assert "would have shown 0.701: it promises no more" in churn
    assert "It loses 0.025 of AUC" in card(pages["en"], "card-purchase")
    assert "It loses" not in churn


def test_where_a_contact_stops_to_pay(pages):
    told = card(pages["en"], "card-purchase")
    assert "over 6.2%, which was 42% of the customers judged" in told
    assert "pays up to 42%" in told and "€0.50 · €8" in told and "€1,234" in told


def test_without_costs_no_threshold_and_no_profit(pages):
    told = card(pages["en"], "card-churn")
    assert "Cost of a contact · gain of a hit not known" in told
    assert TEXTS["profits_hint"][0] not in told and "pays up to" not in told
    assert TEXTS["limit_no_cost"][0] in told
    assert TEXTS["use_rank_loss"][0] in told and "60 days" in told


def test_scores_are_counted(pages, published):
    with duckdb.connect(str(published), read_only=True) as connection:
        (mean,) = connection.execute(
            "select avg(probability) from marts.customer_scores where target = 'churn'"
        ).fetchone()
    assert f"200 customers scored, mean {100 * mean:.1f}%" in card(pages["en"], "card-churn")


def test_champion_and_challenger_are_told_with_their_reasons(pages):
    told = card(pages["en"], "card-churn")
    assert "Champion: logistic regression (model churlogi0001)" in told
    assert "stays champion" in told and "refused, not better" in told
    assert "Challenger: random forest (model churrand0001), AUC 0.710 against 0.703" in told
    # The forest beside purchase is of an earlier run.
    assert TEXTS["no_challenger"][0] in card(pages["en"], "card-purchase")


def test_cutoffs_are_told_of_the_run_that_trained_only(pages):
    assert "3 cutoffs" not in card(pages["en"], "card-purchase")  # learned a month before
    assert "(3 cutoffs, 6 July 2025 to 2 January 2026)" not in card(pages["en"], "card-purchase")
    churn = card(pages["en"], "card-churn")
    assert "(3 cutoffs, 6 July 2025 to 2 January 2026)" in churn
    assert "1,680 customers as of 2 April 2026, by what they did until 1 June 2026" in churn


def test_features_are_told_by_importance_with_direction(pages):
    told = card(pages["en"], "card-purchase")
    places = [told.index(name) for name in ("Days since the last purchase", "Web sessions in")]
    assert places == sorted(places)
    assert "0.081 higher lowers it" in told and "0.027 depends" in told
    assert "3 features are used, 1 were looked at" in told
    assert "does not help out of fold 1 Days as a customer" in told


def test_drift_is_told_of_what_the_champion_uses(pages):
    told = card(pages["en"], "card-churn")
    assert "Major drift of Label of sessions_90d since the last cutoff: PSI 0.41" in told
    assert "Moderate drift of Label of score:churn since the last build: PSI 0.15" in told
    assert "never_used" not in pages["en"]
    assert "score:churn" not in card(pages["en"], "card-purchase")
    assert "Decayed: AUC 0.703, 0.771 at promotion on 1 June 2026; noise explains 0.043" in told


def test_groups_are_told_in_plain_words(pages):
    told = card(pages["en"], "card-churn")
    assert "Gift buyers: Tells these customers apart worse than it claims." in told
    assert (
        "Looked at by gender and segment: 3 groups were large enough to judge, 1 too small" in told
    )
    assert TEXTS["groups_even"][0] in card(pages["en"], "card-purchase")
    assert "1 group is too small to say" in told


def test_limits_follow_from_the_figures(pages, changed):
    told = card(pages["en"], "card-purchase")
    assert TEXTS["limit_season"][0] in told and "judged on one window, from 2 April" in told
    assert "more happened than it foresaw (31.0%, predicted 28.0%)" in told
    assert "1 movement of its features cannot be told from the season" in told
    assert TEXTS["limit_alive"][0] in told
    assert TEXTS["limit_recency"][0] not in told
    churn = card(pages["en"], "card-churn")
    assert TEXTS["limit_recency"][0] in churn
    assert "between 0.65 and 0.75" in churn and "90% to 100% was 76%" in churn
    other = changed(
        "update marts.model_features set feature = 'quarter_ahead' where feature = 'sessions_90d'",
        "update marts.model_groups set calibration_gap = 0.001",
        "update marts.model_features set feature = 'x' where feature = 'p_alive'",
        "update marts.feature_drift set reading = 'stable'",
    )
    told = card(other, "card-purchase")
    assert TEXTS["limit_season"][0] not in told and "judged on one window, from 2 April" in told
    assert "foresaw" not in told and "movement" not in told
    assert TEXTS["limit_alive"][0] not in told


# Nothing where there is nothing


def test_target_without_a_model_says_so(pages):
    assert glance(pages["en"], "E-mail click") == ["E-mail click", "no model", *["–"] * 6]
    told = card(pages["en"], "card-email-click")
    assert TEXTS["no_model"][0] in told
    assert TEXTS["figures_of"][0] not in told and TEXTS["limits"][0] not in told
    assert "0.05" in told  # what it would be about is told all the same


def test_the_prevalence_is_no_model_to_rank_by(pages):
    assert glance(pages["en"], "Second purchase")[1:4] == ["the same for everybody", "–", "–"]
    told = card(pages["en"], "card-repeat")
    assert "Do not rank customers by this score" in told and "nothing beats it" in told
    assert TEXTS["use"][0] not in told and TEXTS["pictures"][0] not in told


def test_first_run_has_no_drift_and_no_decay(changed):
    page = changed("delete from marts.feature_drift", "delete from marts.model_decay")
    told = card(page, "card-churn")
    assert TEXTS["no_drift_yet"][0] in told
    assert "Decayed" not in told and TEXTS["decay"][0] not in told
    assert glance(page, "Churn")[7] == "1 range off and 1 group served worse"


def test_one_run_is_no_curve_of_decay(pages):
    assert TEXTS["decay"][0] in card(pages["en"], "card-churn")
    assert TEXTS["decay"][0] not in card(pages["en"], "card-purchase")


def test_without_groups_nobody_is_called_even(changed):
    told = card(changed("delete from marts.model_groups"), "card-purchase")
    assert TEXTS["no_groups"][0] in told and TEXTS["limit_no_groups"][0] in told
    assert TEXTS["groups_even"][0] not in told


@pytest.mark.parametrize("mart", [mart for mart in NEEDED if mart != "about"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_page_without_the_rows_of_a_mart_is_still_a_page(mart, language, changed):
    page = changed(f"delete from marts.{mart}", language=language)
    reader = Reader(page)
    assert reader.wrong == [] and reader.open == []
    assert "None" not in words_of(page) and "nan" not in words_of(page).split()


def test_no_value_model_is_told(changed):
    page = changed("delete from marts.value_models", "delete from marts.value_calibration")
    assert TEXTS["no_value_model"][0] in card(page, "card-value")


# Value


def test_value_card_holds_parameters_with_errors_and_warnings(pages):
    told = card(pages["en"], "card-value")
    assert "€2,500 net revenue expected" in told and "€12.50 per customer" in told
    assert "alpha 4.414 0.378" in told and "−9,582.4" in told and "p 6.250 –" in told
    assert "Gamma-Gamma: Frequency and order value correlate." in told
    assert "Champion for the revenue of the horizon: Two-stage boosting" in told
    assert "18.20 [17.20, 19.20] 14.65 [13.65, 15.65]" in told
    assert "customers with 4 repeat purchases bought more or less often" in told
    assert "expected 250% too much in all" in told and TEXTS["limit_alive_value"][0] in told


def test_value_card_holds_the_sum_of_promises_beside_what_came(pages, changed):
    told = card(pages["en"], "card-value")
    assert "Expected in all €954 €3,500" in told and "Came in all €1,000 €1,000" in told
    assert "Expected over came 0.95 [0.86, 1.05] 3.50 [3.31, 3.79]" in told
    # An older file has no such columns, and an earlier run nothing in them.
    columns = ("expected_total", "actual_total", "total_ratio")
    for statements in (
        [f"alter table marts.value_models drop column {column}" for column in columns],
        [f"update marts.value_models set {column} = null" for column in columns],
    ):
        older = card(changed(*statements), "card-value")
        assert "in all €" not in older and "Expected over came" not in older
        assert "18.20 [17.20, 19.20]" in older


# Discretion


def test_no_customer_is_in_the_page(pages):
    for page in pages.values():
        assert "secret-key" not in page and "customer_key" not in page


def test_a_group_under_the_floor_is_not_shown_nor_what_gives_it_away(changed):
    statement = (
        "update marts.model_groups set customers = 7, group_label_en = 'Handful', "
        "is_ranked_worse = true where group_value = 'men'"
    )
    for page in (
        changed(statement),  # a mart that forgot to withhold
        changed(statement, "update marts.model_groups set is_withheld = customers = 7"),
    ):
        assert "Handful" not in page
    page = changed(statement)
    assert "Others" not in page and "Women" in page  # the smallest other goes with it
    page = changed("update marts.value_calibration set customers = 9 where frequency_group = 6")
    assert "9 customers" not in words_of(page) and "300 customers" in words_of(page)


def test_scores_of_a_handful_are_not_counted(changed):
    page = changed(
        "delete from marts.customer_scores where customer_key > 'secret-key-00004'",
        "delete from marts.customer_value where customer_key > 'secret-key-00004'",
    )
    assert "customers scored" not in page and "net revenue expected" not in page


def test_large_enough_leaves_out_what_is_withheld():
    rows = [{"target": "t", "customers": n, "is_withheld": n == 30} for n in (5, 20, 30, 40)]
    rows.append({"target": "u", "customers": None})
    assert [row["customers"] for row in large_enough(rows, ("target",), 10)] == [40]
    assert [row["customers"] for row in large_enough(rows, ("target",), 1)] == [5, 20, 40]


def test_names_are_escaped(changed):
    nasty = "<script>alert(1)</script>"
    page = changed(
        f"update marts.model_targets set label_en = '{nasty}', eligibility_condition = '{nasty}'",
        f"update marts.model_registry set reason = '{nasty}'",
        f"update marts.model_groups set group_label_en = '{nasty}'",
    )
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    assert Reader(page).wrong == []


# Decisions


@pytest.mark.parametrize(
    ("decision", "promoted", "retired", "told"),
    [
        ("kept", 1, None, "kept"),
        ("rolled_back", 2, None, "rolled_back"),
        ("trained", 2, None, "first"),
        ("trained", 2, 1, "first"),  # what went in an earlier run makes no promotion of today
        ("trained", 2, 2, "promoted"),
        ("trained", 1, None, "refused"),
        ("not trained", 1, None, "not_trained"),
    ],
)
def test_decision_of_a_run(decision, promoted, retired, told):
    champion = {
        "model_id": "a",
        "last_decision": decision,
        "last_run_on": 2,
        "promoted_on": promoted,
        "retired_on": None,
    }
    other = {"model_id": "b", "retired_on": retired}
    assert run_decision(champion, [champion, other]) == told
    assert told in DECISIONS
    assert f"told_{told}" in TEXTS and f"decision_{told}" in TEXTS


# Words


def test_both_languages_fill_in_the_same_values():
    for key, (english, french) in TEXTS.items():
        assert english.strip() and french.strip(), key
        fields = [sorted(re.findall(r"\{(\w+)\}", text)) for text in (english, french)]
        assert fields[0] == fields[1], key


def test_french_page_has_french_words_and_numbers(pages):
    told = words_of(re.sub(r'<(q|span) lang="en">.*?</\1>', " ", pages["fr"], flags=re.DOTALL))
    assert "0,876 [0,861 ; 0,890]" in told and "€1,234" not in told
    assert "Deuxième achat" in told and "Distingue moins bien ces clients" in told
    for english, french in TEXTS.values():
        if english != french and "{" not in english and len(english) > 12:
            assert english not in told, english
    assert "1\u202f680 clients" in told and "1,680" not in told
    assert not re.search(r"\d%", told)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0"),
        (0.00001, "0"),
        (0.0123456, "0.012"),
        (0.00123456, "0.0012"),
        (0.123456, "0.12"),
        (-1.5, "−1.50"),
        (12345.678, "12,346"),
    ],
)
def test_small_figures_are_told_short(published, value, told):
    assert CardPage(read_cards(published), EN).short(value) == told


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (0.5, "€0.50", "0,50 €"),
        (8.0, "€8", "8 €"),
        (0.0, "€0", "0 €"),
        (1234.0, "€1,234", "1\u202f234 €"),
        (None, "–", "–"),
    ],
)
def test_amounts(published, value, english, french):
    facts = read_cards(published)
    assert CardPage(facts, EN).money(value) == english
    assert CardPage(facts, Language("fr", TEXTS)).money(value).replace(HARD, " ") == french


def test_ticks_are_round_and_inside():
    assert _ticks(1.0) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert _ticks(26.0, -13.0) == pytest.approx([-10, 0, 10, 20])
    assert _ticks(0.034) == pytest.approx([0, 0.01, 0.02, 0.03])


# Refusals and command


@pytest.mark.parametrize("mart", [mart for mart in NEEDED if mart != "about"])
def test_file_of_an_older_version_is_refused(mart, tmp_path, published):
    file = tmp_path / "segments.duckdb"
    file.write_bytes(published.read_bytes())
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"drop table marts.{mart}")
    with pytest.raises(SegmentationError, match=f"older version: it lacks {mart}"):
        write_model_cards(file, tmp_path / "page.html")


def test_command_writes_the_page(published, tmp_path):
    out = tmp_path / "new" / "models.html"
    done = CliRunner().invoke(
        main,
        ["models", "cards", "--published", str(published), "--out", str(out), "--language", "fr"],
    )
    assert done.exit_code == 0 and "kB" in done.output
    assert '<html lang="fr">' in out.read_text(encoding="utf-8")


def test_command_tells_a_refusal_in_one_message(tmp_path):
    done = CliRunner().invoke(main, ["models", "cards", "--published", str(tmp_path / "none")])
    assert done.exit_code == 1 and "make build" in done.output and "Traceback" not in done.output


def test_made_up_figures_are_told_apart():
    """Each target has figures of its own, or a test of one would pass with those of another."""
    assert len({value for figures in AUC.values() for value in figures}) == 12
