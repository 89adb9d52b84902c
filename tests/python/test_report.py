"""The page for people: whole, self-contained, discreet, in two languages."""

import html
import itertools
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import numpy as np
import pytest
from _made_up_publication import BEFORE, NOW, SEGMENTS, write
from click.testing import CliRunner

from python_ext.cli import main
from python_ext.errors import SegmentationError
from python_ext.report import write_report
from python_ext.report._drawing import (
    PALETTE,
    blend,
    colour,
    contrast,
    ink_on,
    spread,
    text_width,
    wrap,
)
from python_ext.report._html import Html, element
from python_ext.report._language import HARD, THIN, Language
from python_ext.report._overview import window_free
from python_ext.report._page import SECTIONS
from python_ext.report._read import NEEDED, read_published, withheld
from python_ext.report._texts import TEXTS

EN, FR = Language("en"), Language("fr")
PAPER = "#fffdf9"


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("published") / "segments.duckdb")


@pytest.fixture(scope="module")
def pages(published) -> dict[str, str]:
    found = {}
    for language in ("en", "fr"):
        out = published.with_name(f"{language}.html")
        write_report(published, out, language=language)
        found[language] = out.read_text(encoding="utf-8")
    return found


def page_of(file: Path, language: str = "en") -> str:
    out = file.with_suffix(f".{language}.html")
    write_report(file, out, language=language)
    return out.read_text(encoding="utf-8")


def words_of(page: str) -> str:
    """What a reader sees."""
    page = re.sub(r"<(style|script).*?</\1>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", page)))


class Reader(HTMLParser):
    """Collects tags, attributes, and whether every element is closed."""

    VOID = frozenset({"meta", "input", "br", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


# The page asks nothing of anybody


@pytest.mark.parametrize("language", ["en", "fr"])
def test_page_names_no_address(pages, language):
    page = pages[language]
    assert not re.search(r"(https?:)?//[a-z0-9]", page, re.IGNORECASE)
    assert "@import" not in page
    assert set(re.findall(r"url\(([^)]*)\)", page)) <= {"#hatch"}
    for tag, attributes in Reader(page).tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "video"}
        assert "src" not in attributes and "srcset" not in attributes
        assert attributes.get("href", "#").startswith("#")


def test_browser_is_told_to_refuse_requests(pages):
    policies = [
        attributes["content"]
        for tag, attributes in Reader(pages["en"]).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 1 and policies[0].startswith("default-src 'none'")


def opened(page: Path, folder: Path) -> subprocess.CompletedProcess:
    """The page in a browser without a network."""
    return subprocess.run(
        [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder / 'profile'}",
            "--virtual-time-budget=3000",
            "--enable-logging=stderr",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser")
def test_browser_opens_the_page_without_a_request(pages, published, tmp_path):
    """A request, a refused one too, and an error of the script stand in the browser's console."""
    done = opened(published.with_name("en.html"), tmp_path)
    assert done.returncode == 0
    assert "Premium loyalists" in done.stdout and "</html>" in done.stdout
    assert "CONSOLE" not in done.stderr
    asking = tmp_path / "asking.html"
    asking.write_text(pages["en"].replace("</main>", '<img src="http://pixel.example/"></main>'))
    assert "CONSOLE" in opened(asking, tmp_path).stderr


def test_page_is_well_formed_and_small(pages):
    for page in pages.values():
        reader = Reader(page)
        assert reader.wrong == [] and reader.open == []
        assert len(page.encode()) < 1_000_000
        ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
        assert len(ids) == len(set(ids))


def test_equal_publications_give_equal_bytes(pages, tmp_path):
    again = page_of(write(tmp_path / "segments.duckdb"))
    assert again == pages["en"]


# Sections


def sections(page: str) -> dict[str, str]:
    return dict(re.findall(r'<section id="([a-z]+)"(.*?)</section>', page, flags=re.DOTALL)) or {
        key: text
        for text, key in re.findall(r'<section ([^>]*id="([a-z]+)".*?)</section>', page, re.DOTALL)
    }


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_section_is_there(pages, language):
    found = sections(pages[language])
    assert list(found) == list(SECTIONS)
    assert "left-out" not in pages[language].split("<body>")[1]
    for key, text in found.items():
        assert TEXTS[key][language == "fr"] in words_of(f"<p {text}"), key


def test_every_segment_has_a_card_with_its_figures(pages):
    cards = words_of("<p " + sections(pages["en"])["cards"])
    for _, name, _, size, *_ in SEGMENTS:
        assert name in cards and f"of customers · {size}" in cards
    assert "2.6 times the average" in cards and "Recognise them" in cards


EMPTY = {
    "segment_profiles": ("profiles", "parallel"),
    "segment_projection": ("projection",),
    "segment_tree": ("tree",),
    "segment_rules": ("rules",),
    "segment_migrations": ("flows",),
    "segment_loadings": ("loadings",),
    "segment_stability": ("stability",),
    "segment_quality": ("choice",),
}


@pytest.mark.parametrize("mart", EMPTY)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_section_without_rows_is_left_out_with_a_sentence(mart, language, tmp_path):
    empty = (mart, "segment_events") if mart == "segment_migrations" else (mart,)
    page = page_of(write(tmp_path / "segments.duckdb", empty=empty), language)
    told = sections(page)
    for key in SECTIONS:
        is_out = key in EMPTY[mart]
        assert ("left-out" in told[key]) == is_out, key
        if is_out:
            assert TEXTS[f"left_out_{key}"][language == "fr"] in words_of(f"<p {told[key]}")


def test_page_with_nothing_but_customers_is_still_a_page(tmp_path):
    empty = tuple(set(NEEDED) - {"about", "customer_segments"})
    page = page_of(write(tmp_path / "segments.duckdb", empty=empty))
    assert "Premium loyalists" in page
    assert Reader(page).wrong == []


def test_fallback_says_that_nothing_stable_was_found(tmp_path):
    file = write(tmp_path / "segments.duckdb", fallback=True)
    assert read_published(file).is_fallback
    for language in ("en", "fr"):
        told = words_of(page_of(file, language))
        assert TEXTS["fallback_title"][language == "fr"] in told
        assert TEXTS["fallback"][language == "fr"] in told
        assert ("À ne pas perdre" if language == "fr" else "Cannot lose") in told
        assert "Premium loyalists" not in told and "Fidèles premium" not in told


def test_moves_are_told_by_cause(pages):
    told = words_of("<p " + sections(pages["en"])["flows"])
    stayed = sum(size - 30 for _, _, _, size, *_ in SEGMENTS)
    assert f"138 of {stayed + 138:,} customers who had a segment (10.6%)" in told
    assert "70 because they changed, 68 because the model did" in told
    assert "16 have a segment who had none" in told
    assert "New: Digital browsers." in told and "Gone: segment no. 6." in told


def test_an_unknown_cause_is_told_apart(tmp_path):
    file = write(tmp_path / "segments.duckdb")
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "update marts.segment_migrations set cause = 'unknown' where cause = 'model'"
        )
    told = words_of("<p " + sections(page_of(file))["flows"])
    assert "70 because they changed, 0 because the model did" in told
    assert "Of 68 of them it is not known" in told and "not known" in told.split("Customers")[-1]


def test_moves_that_are_all_withheld_are_not_told_as_none(tmp_path):
    file = write(tmp_path / "segments.duckdb", empty=("segment_events",))
    with duckdb.connect(str(file)) as connection:
        connection.execute("update marts.segment_migrations set customers = null")
    assert TEXTS["flows_withheld"][0] in words_of("<p " + sections(page_of(file))["flows"])


def test_a_continuum_is_told_with_what_more_segments_would_cost(tmp_path):
    file = write(tmp_path / "segments.duckdb")
    assert "shade into each other" not in words_of(page_of(file))
    with duckdb.connect(str(file)) as connection:
        connection.execute("update marts.segment_quality set silhouette = 0.09 where is_chosen")
        connection.execute("update marts.segment_quality set is_admissible = is_chosen")
    told = words_of(page_of(file))
    assert "shade into each other (silhouette 0.09 of 1)" in told
    assert "only that of 6 segments passed the tests" in told
    finer = told.split(TEXTS["finer"][0])[1]
    assert finer.strip().startswith("7 segments by k-means: silhouette")


def test_a_window_does_not_make_a_second_feature():
    assert window_free("monetary_365d") == window_free("monetary_90d") == "monetary"
    assert window_free("taste_2d_games") == "taste_2d_games"


def test_of_how_many_a_trait_is_known_is_told(tmp_path):
    file = write(tmp_path / "segments.duckdb")
    with duckdb.connect(str(file)) as connection:
        held = "alter table marts.segment_associations add column if not exists "
        connection.execute(held + "customers bigint")
        connection.execute(held + "customers_unknown bigint")
        connection.execute(
            "update marts.segment_associations set customers = 801, customers_unknown = 1668"
        )
    told = sections(page_of(file))["cross"]
    assert "32%" in told and TEXTS["traits_known"][0] in words_of("<p " + told)


# Discretion


def test_no_customer_is_in_the_page(pages):
    for page in pages.values():
        assert "secret-key" not in page and "customer_key" not in page


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([50, 60, 70], []),
        ([5, 60, 70, 80], [0, 1]),  # the smallest other goes with it
        ([2, 3, 60, 70], [0, 1, 2]),  # two, but together under the floor
        ([8, 9, 60, 70], [0, 1]),
        ([0, 50, 60], []),
        ([], []),
    ],
)
def test_small_groups_and_what_would_give_them_away_are_withheld(counts, hidden):
    assert [i for i, is_hidden in enumerate(withheld(counts, 10)) if is_hidden] == hidden


def test_small_segment_is_named_without_figures(tmp_path):
    file = write(tmp_path / "segments.duckdb")
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "delete from marts.customer_segments where segment_id = 5 and customer_key not in "
            "(select customer_key from marts.customer_segments where segment_id = 5 limit 4)"
        )
    page = page_of(file)
    assert 'data-seg="5"' not in page
    cards = words_of("<p " + sections(page)["cards"])
    assert "2 groups are too small" in cards and "Summer visitors" in cards


def test_shares_do_not_tell_how_many_objected(tmp_path):
    """One of 3 and 9 objectors would be read out of sizes and shares of all."""
    told = []
    for objectors in (3, 9):
        file = write(tmp_path / f"{objectors}.duckdb")
        with duckdb.connect(str(file)) as connection:
            connection.execute(
                "delete from marts.customer_segments where segment_id = -1 and customer_key not in "
                "(select customer_key from marts.customer_segments where segment_id = -1 "
                f"order by 1 limit {objectors})"
            )
        told.append(words_of("<p " + sections(page_of(file))["sizes"]))
    shares = [re.findall(r"(\d+) (\d+\.\d)%", text) for text in told]
    assert len(shares[0]) > 3 and shares[0] == shares[1]


def test_names_are_escaped(tmp_path):
    file = write(tmp_path / "segments.duckdb")
    nasty = "<script>alert(1)</script>\"'&"
    with duckdb.connect(str(file)) as connection:
        for mart in ("customer_segments", "segments"):
            connection.execute(
                f"update marts.{mart} set segment = ?, segment_fr = ? where segment_id = 3",
                [nasty] * 2,
            )
        connection.execute("update marts.about set dataset_title = ?, dataset = ?", [nasty] * 2)
        connection.execute("update marts.segment_rules set rule_en = ?", [nasty])
        connection.execute("update marts.segment_profiles set feature_label = ?", [nasty])
    page = page_of(file)
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    assert page.count("<script") == 1
    assert Reader(page).wrong == []


def test_attributes_and_children_are_escaped():
    written = element("p", 'a < "b"', Html("<b>c</b>"), data_tip="\"'<>&", hidden=False)
    assert written == ('<p data-tip="&quot;&#x27;&lt;&gt;&amp;">a &lt; &quot;b&quot;<b>c</b></p>')


# Refusals


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(SegmentationError, match="nothing has been published yet"):
        write_report(tmp_path / "none.duckdb", tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_what_is_no_database_is_refused(tmp_path):
    file = tmp_path / "segments.duckdb"
    file.write_text("not a database")
    with pytest.raises(SegmentationError, match="cannot be read"):
        write_report(file, tmp_path / "page.html")


@pytest.mark.parametrize("mart", [mart for mart in NEEDED if mart != "about"])
def test_file_of_an_older_version_is_refused(mart, tmp_path):
    file = write(tmp_path / "segments.duckdb")
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"drop table marts.{mart}")
    with pytest.raises(SegmentationError, match=f"older version: it lacks {mart}"):
        write_report(file, tmp_path / "page.html")


def test_missing_column_is_named(tmp_path):
    file = write(tmp_path / "segments.duckdb")
    with duckdb.connect(str(file)) as connection:
        connection.execute("alter table marts.segment_quality drop column is_chosen")
    with pytest.raises(SegmentationError, match=r"lacks segment_quality\.is_chosen"):
        write_report(file, tmp_path / "page.html")


def test_another_warehouse_is_refused(tmp_path):
    file = tmp_path / "segments.duckdb"
    duckdb.connect(str(file)).close()
    with pytest.raises(SegmentationError, match="no published file"):
        write_report(file, tmp_path / "page.html")


def test_another_language_is_refused(published, tmp_path):
    with pytest.raises(SegmentationError, match="en or fr"):
        write_report(published, tmp_path / "page.html", language="de")


def test_command_writes_the_page(published, tmp_path):
    out = tmp_path / "new" / "page.html"
    done = CliRunner().invoke(
        main, ["report", "--published", str(published), "--out", str(out), "--language", "fr"]
    )
    assert done.exit_code == 0 and "kB" in done.output
    assert '<html lang="fr">' in out.read_text(encoding="utf-8")


def test_command_tells_a_refusal_in_one_message(tmp_path):
    done = CliRunner().invoke(main, ["report", "--published", str(tmp_path / "none.duckdb")])
    assert done.exit_code == 1 and "make build" in done.output and "Traceback" not in done.output


# Languages


def test_french_page_has_french_words_and_numbers(pages):
    told = words_of(pages["fr"])
    assert "Qui sont nos clients" in told and "Au 1er juillet 2026" in told
    assert f"1{THIN}525" in told and f"14{HARD}%" in told and "2,6 fois la moyenne" in told
    assert "Fidèles premium" in told and "Les reconnaître" in told
    # No English sentence or number is left.
    for english, french in TEXTS.values():
        if english != french and "{" not in english and len(english) > 16:
            assert english not in told, english
    assert not re.search(r"[1-9]\d*,\d{3}\b", told)
    assert not re.search(r"\d%", told)


def test_both_languages_fill_in_the_same_values():
    for key, (english, french) in TEXTS.items():
        assert re.findall(r"{\w+}", english).sort() == re.findall(r"{\w+}", french).sort()
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", french)), key


@pytest.mark.parametrize(
    ("value", "digits", "english", "french"),
    [
        (1234567.891, 1, "1,234,567.9", f"1{THIN}234{THIN}567,9"),
        (-0.5, 2, "−0.50", "−0,50"),
        (-0.001, 1, "0.0", "0,0"),
        (None, 0, "–", "–"),
        (float("nan"), 0, "–", "–"),
    ],
)
def test_numbers(value, digits, english, french):
    assert EN.number(value, digits) == english
    assert FR.number(value, digits) == french


@pytest.mark.parametrize(
    ("share", "english", "french"),
    [
        (0.345, "34%", f"34{HARD}%"),
        (0.001, "<1%", f"<{HARD}1{HARD}%"),
        (0.0, "0%", f"0{HARD}%"),
        (1.0, "100%", f"100{HARD}%"),
        (0.9999, ">99%", f">{HARD}99{HARD}%"),
    ],
)
def test_shares(share, english, french):
    assert (EN.percent(share), FR.percent(share)) == (english, french)


@pytest.mark.parametrize(
    ("value", "currency", "english", "french"),
    [
        (3_443_210, "EUR", "€3.44M", f"3,44{HARD}M€"),
        (999_900, "GBP", "£1.00M", f"1,00{HARD}M£"),
        (34_432, "USD", "$34k", f"34{HARD}k$"),
        (1_234, "EUR", "€1,234", f"1{THIN}234{HARD}€"),
        (2.5e9, "EUR", "€2.50bn", f"2,50{HARD}Md€"),
        (512, "CHF", f"CHF{HARD}512", f"512{HARD}CHF"),
        (512, None, "512", "512"),
    ],
)
def test_money(value, currency, english, french):
    assert (EN.money(value, currency), FR.money(value, currency)) == (english, french)


def test_dates_and_lists():
    assert (EN.date(NOW), FR.date(NOW)) == ("1 July 2026", "1er juillet 2026")
    assert (EN.date(None), FR.date(BEFORE)) == ("an unknown day", "1er juin 2026")
    assert (EN.listing(["a", "b", "c"]), FR.listing(["a", "b"])) == ("a, b and c", "a et b")


@pytest.mark.parametrize(
    ("index", "told"),
    [(230, "2.3 times the average"), (140, "40% above the average"), (20, "80% below the average")],
)
def test_an_index_in_words(index, told):
    assert EN.times(index) == told


# For every eye


def test_colours_stand_out_from_the_paper_and_carry_their_number():
    for shade in PALETTE:
        assert contrast(shade, PAPER) >= 3 and contrast(shade, "#ffffff") >= 3
        assert contrast(shade, ink_on(shade)) >= 4.5


@pytest.mark.parametrize("z", np.linspace(-1, 1, 9))
def test_figures_in_the_heat_map_can_be_read(z):
    assert contrast(blend(z), ink_on(blend(z))) >= 4.5


def test_a_segment_keeps_its_colour():
    assert colour(3) == PALETTE[2] and colour(3) != colour(4)
    assert colour(903) == PALETTE[2] and colour(0) == colour(-1)


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "none": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
}


def lab(code: str, matrix) -> np.ndarray:
    """CIELAB of a colour as such an eye sees it."""
    rgb = np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(matrix) @ linear, 0, 1)
    xyz = (
        np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
        @ linear
        / [0.9505, 1.0, 1.089]
    )
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", BLINDNESS)
def test_colours_stay_apart_for_every_eye(eye):
    seen = [lab(shade, BLINDNESS[eye]) for shade in PALETTE]
    for first, least in ((8, 20), (12, 12)):
        pairs = itertools.combinations(seen[:first], 2)
        assert min(np.linalg.norm(a - b) for a, b in pairs) > least


def test_every_picture_says_what_it_shows(pages):
    pictures = [attributes for tag, attributes in Reader(pages["en"]).tags if tag == "svg"]
    assert len(pictures) > 8
    assert all(a.get("role") == "img" and a.get("aria-label") for a in pictures)


# Drawing


def test_labels_never_overlap_and_stay_in_order():
    placed = spread([10, 11, 12, 90], 15, 0, 100)
    assert placed == sorted(placed) and min(np.diff(placed)) >= 15 - 1e-9
    assert min(placed) >= 0 and max(placed) <= 100
    crowded = spread([50] * 9, 30, 0, 100)
    assert min(np.diff(crowded)) == pytest.approx(12.5)


def test_wrapped_text_fits():
    found = wrap("Share of purchases in November and December", 90, 12, 3)
    assert len(found) == 3 and all(text_width(line, 12) <= 90 for line in found)


def test_texts_lie_inside_their_picture(pages):
    """No label starts outside the frame of its picture."""
    for page in pages.values():
        for width, height, content in re.findall(
            r'<svg viewBox="0 0 (\d+) (\d+)"(.*?)</svg>', page, re.DOTALL
        ):
            for x, y in re.findall(r'<text x="([-\d.]+)" y="([-\d.]+)"', content):
                assert -1 <= float(x) <= float(width) + 1 and 0 <= float(y) <= float(height) + 1
