"""The page of the cards as a whole."""

from __future__ import annotations

from pathlib import Path

from python_ext.model_cards._card import alarm_words, calibration, card, card_id
from python_ext.model_cards._facts import RECENCY, TargetFacts
from python_ext.model_cards._read import read_cards
from python_ext.model_cards._texts import TEXTS
from python_ext.model_cards._value import value_card
from python_ext.model_cards._words import CardPage
from python_ext.report._drawing import table
from python_ext.report._html import Html, element
from python_ext.report._language import Language
from python_ext.report._page import document, write_page


def write_model_cards(published: Path, out: Path, *, language: str = "en") -> int:
    """Write the cards of all champions as one page.

    Parameters
    ----------
    published : Path
        ``publish/segments.duckdb``; opened read-only, marts only.
    out : Path
        File to write; equal marts give equal bytes.
    language : str, default "en"
        en or fr.

    Returns
    -------
    int
        Size in bytes.

    Raises
    ------
    SegmentationError
        The published file is missing, unreadable or of an older version; another language.
    """
    words = Language(language, TEXTS)
    return write_page(compose(CardPage(read_cards(published), words)), out)


def compose(page: CardPage) -> str:
    """The page as text."""
    text, data = page.language.text, page.data
    contents = [("overview", text("overview"))]
    contents += [(card_id(f), page.named(f.row, "label") or f.name) for f in data.targets]
    contents.append(("card-value", text("value_title")))
    return document(
        page.language,
        f"{text('cards_kicker')} · {data.about.get('dataset') or text('cards_title')}",
        contents,
        [
            _masthead(page),
            _overview(page),
            [card(page, facts) for facts in data.targets],
            value_card(page),
            element(
                "footer",
                element("p", text("cards_colophon", floor=page.language.number(data.floor))),
            ),
        ],
    )


def _masthead(page: CardPage) -> Html:
    text, language, about = page.language.text, page.language, page.data.about
    learned = [facts for facts in page.data.targets if facts.is_learned]
    alarmed = [facts for facts in learned if facts.alarms]
    told = language.plural("told_scores", len(learned))
    open_ = language.plural("told_alarms", len(alarmed)) if alarmed else text("told_quiet")
    value = page.data.value
    return element(
        "header",
        element(
            "p",
            f"{text('cards_kicker')} · {text('as_of', day=language.date(about.get('as_of_date')))}",
            class_="kicker",
        ),
        element("h1", text("cards_title")),
        element("p", about.get("dataset_title") or about.get("dataset"), class_="dataset"),
        element("p", text("synthetic"), class_="synthetic") if about.get("is_synthetic") else None,
        element(
            "p",
            f"{told}, {open_}." if learned else f"{told}.",
            f" {text('told_value', total=page.money(value.expected))}" if value.expected else None,
            class_="standfirst",
            style="margin-top:28px",
        ),
        class_="masthead",
    )


def _overview(page: CardPage) -> Html:
    text, data = page.language.text, page.data
    if not data.targets:
        return page.section("overview", element("p", text("no_targets")))
    headings = [
        text(key)
        for key in ("target", "champion", "auc_interval", "recency_alone", "lift", "calibration")
    ]
    headings += [text("decision"), text("alarms")]
    return page.section(
        "overview",
        table(headings, [_row(page, facts) for facts in data.targets], class_="glance"),
        lead=text("overview_lead"),
    )


def _row(page: CardPage, facts: TargetFacts) -> tuple:
    text, number = page.language.text, page.language.number
    name = page.named(facts.row, "label") or facts.name
    link = element("a", name, href=f"#{card_id(facts)}")
    if facts.champion is None:
        return (link, text("no_champion"), *["–"] * 6)
    decision = text(f"decision_{facts.decision}")
    champion = page.algorithm(facts.champion)
    if not facts.is_learned:
        return (link, champion, *["–"] * 4, decision, "–")
    return (
        link,
        champion,
        page.interval(facts.metric("auc")),
        number(facts.value("auc", RECENCY), 3),
        number(facts.value("lift_top_decile"), 1),
        calibration(page, facts),
        decision,
        page.language.listing(alarm_words(page, facts)) or text("none"),
    )
