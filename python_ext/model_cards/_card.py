"""The card of one target."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from python_ext.model_cards import _pictures
from python_ext.model_cards._facts import PREVALENCE, RANDOM_SPLIT, RECENCY, TargetFacts
from python_ext.model_cards._limits import limits
from python_ext.model_cards._sections import change, features, groups
from python_ext.model_cards._words import CardPage, facts_row, plain, titled
from python_ext.report._drawing import table
from python_ext.report._html import Html, element
from python_ext.report._read import Row

# Figures in the order in which they are told: whether as a share or money, and digits.
FIGURES = (
    ("auc", "number", 3),
    ("average_precision", "number", 3),
    ("log_loss", "number", 4),
    ("brier", "number", 4),
    ("expected_calibration_error", "number", 3),
    ("calibration_error_debiased", "number", 3),
    ("lift_top_decile", "number", 1),
    ("gain_top_decile", "percent", 0),
    ("precision", "percent", 0),
    ("recall", "percent", 0),
    ("f1", "number", 2),
    ("profit_per_customer", "money", 2),
)
FINGERPRINT = 12  # characters of a hash that tell two apart


def card(page: CardPage, facts: TargetFacts) -> Html:
    """Everything there is to say of a target; what is not known is left out, or told as such."""
    title = page.named(facts.row, "label") or facts.name
    lead = page.named(facts.row, "description")
    key = card_id(facts)
    if facts.champion is None:
        return page.section(key, _without(page, facts), _about(page, facts), title=title, lead=lead)
    if not facts.is_learned:
        return page.section(
            key,
            _without(page, facts),
            _why(page, facts),
            _about(page, facts),
            _data(page, facts),
            title=title,
            lead=lead,
        )
    return page.section(
        key,
        _headline(page, facts),
        _why(page, facts),
        _about(page, facts),
        _use(page, facts),
        _data(page, facts),
        _figures(page, facts),
        _panels(page, facts),
        features(page, facts),
        groups(page, facts),
        change(page, facts),
        titled(page, "limits", plain([element("li", told) for told in limits(page, facts)])),
        title=title,
        lead=lead,
    )


def card_id(facts: TargetFacts) -> str:
    """The place of a card on the page."""
    return f"card-{facts.name.replace('_', '-')}"


def calibration(page: CardPage, facts: TargetFacts) -> str:
    """In words, whether the probabilities come true."""
    bins = len(facts.tables["model_reliability"])
    if not bins:
        return page.language.text("calibration_unknown")
    if not facts.off:
        return page.language.text("calibration_holds")
    high = sum((row["gap"] or 0) > 0 for row in facts.off)
    way = "both" if 0 < high < len(facts.off) else "high" if high else "low"
    return page.language.text(
        f"calibration_{way}",
        off=page.language.number(len(facts.off)),
        bins=page.language.number(bins),
    )


def alarm_words(page: CardPage, facts: TargetFacts) -> list[str]:
    """Each kind of alarm with its number."""
    return [page.language.plural(f"alarm_{kind}", count) for kind, count in facts.alarms]


def _without(page: CardPage, facts: TargetFacts) -> Html:
    text = page.language.text
    if facts.champion is None:
        return element("div", element("p", text("no_model")), class_="notice")
    return element(
        "div",
        element("p", text("prevalence_only")),
        class_="notice",
    )


def _headline(page: CardPage, facts: TargetFacts) -> Html:
    language = page.language
    text = language.text
    figures = []
    for metric, digits in (("auc", 3), ("lift_top_decile", 1)):
        row = facts.metric(metric)
        if row is not None:
            figures.append((language.number(row["value"], digits), _between(page, row, digits)))
    everybody = facts.everybody
    if everybody is not None and everybody["prevalence"] is not None:
        predicted = language.percent(everybody["predicted"], 1)
        figures.append(
            (language.percent(everybody["prevalence"], 1), text("happened_of", predicted=predicted))
        )
    if facts.scored is not None:
        count, mean = facts.scored
        figures.append((language.number(count), text("scored_now", mean=language.percent(mean, 1))))
    told = [element("p", text(f"told_{facts.decision}"), class_="how")]
    alarms = alarm_words(page, facts)
    if alarms:
        told.append(
            element(
                "p", element("b", f"{text('alarms')}: "), language.listing(alarms), class_="how"
            )
        )
    return element("div", facts_row(figures) if figures else None, told)


def _between(page: CardPage, row: Row, digits: int) -> str:
    words = page.language.text(f"short_{row['metric']}")
    if row["ci_low"] is None:
        return words
    low, high = (page.language.number(row[end], digits) for end in ("ci_low", "ci_high"))
    return page.language.text("between", words=words, low=low, high=high)


def _why(page: CardPage, facts: TargetFacts) -> Html | None:
    text, champion = page.language.text, facts.champion
    told = [
        element(
            "p",
            text(
                "champion_is",
                algorithm=page.algorithm(champion),
                model=champion["model_id"],
                trained=page.language.date(champion["trained_on"]),
            ),
        ),
        page.recorded(champion["reason"]),
    ]
    challenger = facts.challenger
    if challenger is None:
        told.append(element("p", text("no_challenger")))
    else:
        told.append(
            element(
                "p",
                text(
                    f"{challenger['role']}_is",
                    algorithm=page.algorithm(challenger),
                    model=challenger["model_id"],
                    auc=page.language.number(challenger["auc"], 3),
                    champion=page.language.number(champion["auc"], 3),
                ),
            )
        )
        told.append(page.recorded(challenger["reason"]))
    return titled(page, "why", told)


def _about(page: CardPage, facts: TargetFacts) -> Html | None:
    language, row = page.language, facts.row
    text = language.text
    rows = [(text("eligible"), language.label("eligibility", row["eligibility"]))]
    if row.get("eligibility_condition"):
        rows.append((text("condition"), element("code", row["eligibility_condition"])))
    rows.append((text("horizon"), text("days", n=language.number(row["horizon_days"]))))
    if facts.threshold is not None:
        cost, gain = page.money(row["contact_cost"]), page.money(row["hit_gain"])
        rows.append((text("cost_gain"), f"{cost} · {gain}"))
        rows.append((text("pays_over"), language.percent(facts.threshold, 1)))
    else:
        rows.append((text("cost_gain"), text("no_cost")))
    return titled(page, "about", table(["", ""], rows, class_="narrow wordy headless"))


def _use(page: CardPage, facts: TargetFacts) -> Html | None:
    text = page.language.text
    uses = [text("use_rank" if facts.row["happens"] else "use_rank_loss")]
    stop = _pictures.optimum(facts)
    if facts.threshold is not None:
        over = page.language.percent(facts.threshold, 1)
        if stop is not None and stop["percent"] < 100:
            share = page.language.percent(stop["percent"] / 100)
            uses.append(text("use_threshold", over=over, share=share))
        else:
            uses.append(text("use_threshold_all", over=over))
    uses.append(text("use_sum"))
    days = page.language.number(facts.row["horizon_days"])
    not_for = [
        text("not_effect"),
        text("not_decisions"),
        text("not_others", days=days),
        text("not_cause"),
    ]
    return element(
        "div",
        titled(page, "use", plain([element("li", told) for told in uses])),
        titled(page, "misuse", plain([element("li", told) for told in not_for])),
    )


def _data(page: CardPage, facts: TargetFacts) -> Html | None:
    language, champion, row = page.language, facts.champion, facts.row
    text, number, date = language.text, language.number, language.date
    rows: list[tuple[Any, Any]] = []
    learned = text("learned_rows", n=number(champion["trained_rows"]))
    if row["train_cutoffs"] and champion["trained_on"] == row["score_on"]:
        learned += " " + language.plural(
            "learned_cutoffs",
            row["train_cutoffs"],
            first=date(row["first_train_on"]),
            last=date(row["last_train_on"]),
        )
    rows.append((text("learned_from"), learned))
    if row["test_on"] is not None and champion["test_rows"] is not None:
        judged = text(
            "judged_rows",
            n=number(champion["test_rows"]),
            day=date(row["test_on"]),
            end=date(row["test_on"] + timedelta(days=int(row["horizon_days"]))),
        )
        rows.append((text("judged_on"), judged))
    rows.append((text("trained_on"), date(champion["trained_on"])))
    if champion["promoted_on"] is not None:
        rows.append((text("promoted_on"), date(champion["promoted_on"])))
    for column in ("data_fingerprint", "code_fingerprint", "artefact_sha256"):
        if champion[column]:
            rows.append((text(column), element("code", f"{champion[column][:FINGERPRINT]}…")))
    return titled(
        page,
        "data",
        table(["", ""], rows, class_="narrow wordy headless"),
        page.recorded(champion["last_decision_reason"]),
    )


def _figures(page: CardPage, facts: TargetFacts) -> Html | None:
    text = page.language.text
    columns = [("champion", "out_of_time"), ("challenger", "out_of_time")]
    columns += [(RECENCY, "out_of_time"), (PREVALENCE, "out_of_time"), ("champion", RANDOM_SPLIT)]
    columns = [
        (who, split)
        for who, split in columns
        if any(facts.metric(metric, who, split) for metric, *_ in FIGURES)
    ]
    rows = []
    for metric, kind, digits in FIGURES:
        if facts.metric(metric) is None:
            continue
        cells = [
            _cell(page, facts.metric(metric, who, split), kind, digits, whole=who == "champion")
            for who, split in columns
        ]
        rows.append((text(f"metric_{metric}"), *cells))
    if not rows:
        return None
    headings = [text("figure")]
    headings += [
        text(f"column_{who if split != RANDOM_SPLIT else split}") for who, split in columns
    ]
    return titled(page, "figures_of", element("p", _gap(page, facts)), table(headings, rows))


def _cell(page: CardPage, row: Row | None, kind: str, digits: int, *, whole: bool) -> str:
    if row is None:
        return "–"
    if kind == "money":
        return page.money(1000 * row["value"])
    if not whole:
        row = {**row, "ci_low": None}
    return page.interval(row, digits, is_share=kind == "percent")


def _gap(page: CardPage, facts: TargetFacts) -> str:
    """In a sentence: against recency alone, and what a random split would have promised."""
    number, text = page.language.number, page.language.text
    auc, told = facts.value("auc"), []
    simple = facts.value("auc", RECENCY)
    if auc is not None and simple is not None:
        told.append(text("beside_recency", auc=number(auc, 3), simple=number(simple, 3)))
    random = facts.value("auc", split=RANDOM_SPLIT)
    if auc is not None and random is not None:
        key = "random_higher" if random - auc >= 0.0005 else "random_not_higher"
        told.append(text(key, random=number(random, 3), gap=number(random - auc, 3)))
    return " ".join(told)


def _panels(page: CardPage, facts: TargetFacts) -> Html | None:
    found = [
        draw(page, facts)
        for draw in (_pictures.reliability, _pictures.gains, _pictures.profits, _pictures.decay)
    ]
    found = [picture for picture in found if picture]
    return titled(page, "pictures", element("div", found, class_="panels")) if found else None
