"""Sections of a card: features, groups, and what changed since."""

from __future__ import annotations

from collections import Counter
from typing import Any

from python_ext.model_cards import _pictures
from python_ext.model_cards._facts import TargetFacts
from python_ext.model_cards._words import CardPage, plain, titled
from python_ext.report._drawing import table
from python_ext.report._html import Html, element


def features(page: CardPage, facts: TargetFacts) -> Html | None:
    language = page.language
    left_out = [row for row in facts.tables["model_features"] if not row["is_used"]]
    names: dict[str, list[str]] = {}
    for row in left_out:
        # What stands after the colon are the figures of this feature.
        reason = str(row["dropped_because"] or "–").split(":")[0]
        name = language.pick(row, "feature_label") or row["feature"]
        names.setdefault(reason, []).append(name)
    rows = [
        (element("span", reason, lang="en"), language.number(len(found)), "; ".join(found))
        for reason, found in sorted(names.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    words = language.text(
        "features_note", used=language.number(len(facts.used)), out=language.number(len(left_out))
    )
    drawn = _pictures.importance(page, facts)
    if drawn is None:
        return None
    headings = [language.text("left_out_because"), "", language.text("feature")]
    return titled(
        page,
        "features",
        drawn,
        element("p", words, class_="note"),
        element(
            "details",
            element("summary", language.text("left_out")),
            table(headings, rows, class_="wordy"),
            class_="figures",
        )
        if rows
        else None,
    )


def groups(page: CardPage, facts: TargetFacts) -> Html | None:
    language = page.language
    text = language.text
    shown = [row for row in facts.tables["model_groups"] if row["attribute"] != "all"]
    if not shown:
        return titled(page, "groups", element("p", text("no_groups")))
    looked = sorted({page.named(row, "attribute_label") or row["attribute"] for row in shown})
    told: list[Any] = [
        element(
            "p",
            text(
                "groups_looked",
                by=language.listing([name[:1].lower() + name[1:] for name in looked]),
                n=language.number(len(facts.groups)),
                small=language.number(len(shown) - len(facts.groups)),
            ),
        )
    ]
    items = [
        element(
            "li",
            element("b", f"{page.named(row, 'group_label') or row['group_value']}: "),
            page.named(row, "reading"),
        )
        for row in facts.unfair
    ]
    told.append(plain(items) if items else element("p", text("groups_even")))
    rows = [
        (
            page.named(row, "group_label") or row["group_value"],
            page.named(row, "attribute_label") or row["attribute"],
            language.number(row["customers"]),
            language.percent(row["predicted"], 1),
            language.percent(row["prevalence"], 1),
            language.number(row["auc"], 3),
            language.number(row["auc_promised"], 3),
            language.percent(row["selection_rate"]),
        )
        for row in sorted(
            facts.groups, key=lambda r: (r["attribute"], -r["customers"], r["group_value"])
        )
    ]
    headings = [text(key) for key in ("group", "made_by", "customers", "predicted", "happened")]
    headings += [text("metric_auc"), text("promised"), text("selected")]
    return titled(page, "groups", told, page.figures(table(headings, rows)) if rows else None)


def change(page: CardPage, facts: TargetFacts) -> Html | None:
    language = page.language
    text, number = language.text, language.number
    steps = facts.tables["feature_drift"]
    items = []
    for row in facts.drifted:
        told = text(
            f"drift_{row['alarm']}",
            feature=page.named(row, "label") or row["feature"],
            psi=page.short(row["psi"]),
            critical=page.short(row["critical"]),
            comparison=text(f"comparison_{row['comparison']}"),
        )
        items.append(element("li", told))
    readings = Counter(row["reading"] for row in steps)
    if not steps:
        items.append(element("li", text("no_drift_yet")))
    elif not facts.drifted:
        items.append(
            element(
                "li",
                text(
                    "no_drift",
                    n=number(len(steps)),
                    usual=number(readings["usual"] + readings["unjudged"]),
                ),
            )
        )
    for row in facts.tables["model_decay"]:
        if row["is_latest"] and row["metric"] == "auc":
            items.append(
                element(
                    "li",
                    text(
                        f"decay_{row['verdict']}",
                        value=number(row["value"], 3),
                        before=number(row["value_at_promotion"], 3),
                        day=language.date(row["promoted_on"]),
                        noise=number(row["noise"], 3),
                    ),
                )
            )
    return titled(page, "change", plain(items))
