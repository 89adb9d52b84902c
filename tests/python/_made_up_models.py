"""The marts about models for a made-up publication.

Four targets: ``purchase`` is kept and quiet; ``churn`` has a refused challenger, decay, drift, a
range off and a group served worse; for ``repeat`` nothing beats the prevalence; ``email_click`` has
no model at all.
"""

import json
from datetime import date

import numpy as np
import pandas as pd

NOW, BEFORE = date(2026, 7, 1), date(2026, 6, 1)
TEST_ON = date(2026, 4, 2)
# target: (English, French, happens, cost, gain, horizon)
TARGETS = {
    "purchase": ("Purchase", "Achat", True, 0.5, 8.0, 90),
    "churn": ("Churn", "Attrition", False, None, None, 60),
    "repeat": ("Second purchase", "Deuxième achat", True, 0.5, 10.0, 90),
    "email_click": ("E-mail click", "Clic dans un e-mail", True, 0.05, 0.6, 90),
}
# AUC of champion, its interval, challenger, recency alone, random split
AUC = {"purchase": (0.8765, 0.8611, 0.8902, 0.8701, 0.8123, 0.9012)}
AUC["churn"] = (0.7031, 0.6544, 0.7499, 0.7099, 0.6877, 0.7013)
GROUPS = (("gender", "Gender", "Genre"), ("segment", "Segment", "Segment"))


def model_marts(draw: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Every mart the cards read, by name."""
    return {
        "model_targets": pd.DataFrame(_targets()),
        "model_registry": pd.DataFrame(_registry()),
        "model_metrics": pd.DataFrame(_metrics()),
        "model_features": pd.DataFrame(_features()),
        "model_reliability": pd.DataFrame(_reliability()),
        "model_gains": pd.DataFrame(_gains()),
        "model_profits": pd.DataFrame(_profits()),
        "model_groups": pd.DataFrame(_groups()),
        "feature_drift": pd.DataFrame(_drift()),
        "model_decay": pd.DataFrame(_decay()),
        "value_models": pd.DataFrame(_value_models()),
        "value_calibration": pd.DataFrame(_calibration()),
        "customer_scores": _scores(draw),
        "customer_value": pd.DataFrame(
            {
                "customer_key": [f"secret-key-{n:05d}" for n in range(200)],
                "expected_value": [12.5] * 200,
            }
        ),
    }


def _targets() -> list[dict]:
    return [
        {
            "target": target,
            "label_en": english,
            "label_fr": french,
            "description_en": f"{english} within the horizon.",
            "description_fr": f"{french} dans l'horizon.",
            "eligibility": "in_rhythm" if target == "churn" else "any_buyer",
            "eligibility_condition": "recency_days <= 90" if target == "churn" else "frequency > 0",
            "happens": happens,
            "horizon_days": horizon,
            "contact_cost": cost,
            "hit_gain": gain,
            "first_train_on": date(2025, 7, 6),
            "last_train_on": date(2026, 1, 2),
            "train_cutoffs": 3,
            "test_on": TEST_ON,
            "score_on": NOW,
        }
        for target, (english, french, happens, cost, gain, horizon) in TARGETS.items()
    ]


def _registry() -> list[dict]:
    rows = []

    def add(target, algorithm, role, reason, auc=None, **own):
        rows.append(
            {
                "model_id": f"{target[:4]}{algorithm[:4]}0001",
                "target": target,
                "algorithm": algorithm,
                "role": role,
                "is_champion": role == "champion",
                "trained_on": NOW,
                "promoted_on": NOW if role == "champion" else None,
                "retired_on": None,
                "last_run_on": NOW,
                "trained_because": "none was stored",
                "reason": reason,
                "last_decision": "trained",
                "last_decision_reason": "no model of an earlier date is stored",
                "trained_rows": 5811,
                "test_rows": 1680,
                "auc": auc,
                "data_fingerprint": "d" * 64,
                "code_fingerprint": "c" * 64,
                "artefact_sha256": "a" * 64,
                **own,
            }
        )

    kept = {"last_decision": "kept", "trained_on": BEFORE, "promoted_on": BEFORE}
    kept["last_decision_reason"] = "nothing asks for training"
    add("purchase", "gradient_boosting", "champion", "champion: the lowest", 0.8765, **kept)
    earlier = {"last_run_on": BEFORE, "trained_on": BEFORE}
    add("purchase", "random_forest", "challenger", "not the best", 0.8701, **earlier)
    add("churn", "logistic_regression", "champion", "stays champion", 0.7031, promoted_on=BEFORE)
    add("churn", "random_forest", "challenger", "refused, not better", 0.7099)
    add("repeat", "prevalence", "champion", "champion: nothing beats it", 0.5)
    return rows


def _metrics() -> list[dict]:
    rows = []

    def add(target, algorithm, role, split, figures):
        for metric, value, low, high in figures:
            rows.append(
                {
                    "model_id": f"{target[:4]}{algorithm[:4]}0001",
                    "target": target,
                    "algorithm": algorithm,
                    "role": role,
                    "split": split,
                    "metric": metric,
                    "value": value,
                    "ci_low": low,
                    "ci_high": high,
                    "is_champion": role == "champion",
                }
            )

    for target, algorithm in (("purchase", "gradient_boosting"), ("churn", "logistic_regression")):
        auc, low, high, other, recency, random = AUC[target]
        lift, gain = (3.21, 0.011) if target == "purchase" else (1.84, -0.002)
        figures = [
            ("auc", auc, low, high),
            ("log_loss", 0.3456, 0.33, 0.36),
            ("expected_calibration_error", 0.0231, 0.01, 0.03),
            ("calibration_error_by_chance", 0.0198, None, None),
            ("lift_top_decile", lift, lift - 0.3, lift + 0.3),
            ("gain_over_recency_alone", 0.02, gain, 0.03),
            ("profit_per_customer", 1.2345, 1.1, 1.4),
        ]
        add(target, algorithm, "champion", "out_of_time", figures)
        add(target, algorithm, "champion", "random_split", [("auc", random, None, None)])
        add(target, "recency_alone", "baseline", "out_of_time", [("auc", recency, None, None)])
        add(target, "prevalence", "baseline", "out_of_time", [("auc", 0.5, None, None)])
        add(target, "random_forest", "challenger", "out_of_time", [("auc", other, None, None)])
    add("repeat", "prevalence", "champion", "out_of_time", [("auc", 0.5, 0.5, 0.5)])
    return rows


def _features() -> list[dict]:
    told = (
        ("recency_days", "Days since the last purchase", "Jours depuis le dernier achat"),
        ("p_alive", "Probability of being a customer still", "Probabilité d'être encore client"),
        ("sessions_90d", "Web sessions in the last 90 days", "Visites web sur 90 jours"),
        ("age_days", "Days as a customer", "Jours en tant que client"),
    )
    return [
        {
            "target": target,
            "feature": feature,
            "feature_label": english,
            "feature_label_fr": french,
            "is_used": place < 3,
            "dropped_because": None if place < 3 else "does not help out of fold: shuffled, +0.1",
            "importance_rank": place + 1 if place < 3 else None,
            "importance": 0.0812 / (place + 1) if place < 3 else None,
            "ci_low": 0.05 / (place + 1) if place < 3 else None,
            "ci_high": 0.11 / (place + 1) if place < 3 else None,
            "direction": ("lowers", "raises", "mixed")[place] if place < 3 else None,
        }
        for target in AUC
        for place, (feature, english, french) in enumerate(told)
    ]


def _reliability() -> list[dict]:
    return [
        {
            "target": target,
            "bin": number + 1,
            "customers": 168,
            "probability_low": number / 10,
            "probability_high": (number + 1) / 10,
            "predicted": number / 10 + 0.05,
            "actual": number / 10 + 0.06 - 0.2 * (target == "churn" and number == 9),
            "ci_low": max(number / 10 - 0.2, 0.0),
            "ci_high": min(number / 10 + 0.12, 1.0),
            "gap": -0.01 + 0.2 * (target == "churn" and number == 9),
            "is_off": target == "churn" and number == 9,
            "is_withheld": False,
        }
        for target in AUC
        for number in range(10)
    ]


def _gains() -> list[dict]:
    return [
        {
            "target": target,
            "decile": tenth,
            "customers": 168.0,
            "lift": 2.0,
            "cumulative_gain": 1 - (1 - tenth / 10) ** 2,
            "cumulative_gain_ci_low": None,
            "cumulative_gain_ci_high": None,
            "is_withheld": False,
        }
        for target in AUC
        for tenth in range(1, 11)
    ]


def _profits() -> list[dict]:
    return [
        {
            "target": target,
            "percent": percent,
            "customers": 16.8 * percent,
            "gain": 1 - (1 - percent / 100) ** 2,
            "expected_profit": (percent * (80 - percent)) * 1.0 if target == "purchase" else None,
            "actual_profit": (percent * (84 - percent)) * 1.0 if target == "purchase" else None,
            "actual_profit_ci_low": None,
            "actual_profit_ci_high": None,
            "is_worthwhile": target == "purchase" and percent <= 42,
            "is_withheld": False,
        }
        for target in AUC
        for percent in range(0, 101, 2)
    ]


def _groups() -> list[dict]:
    rows = []

    def add(target, attribute, value, customers, **own):
        label = next((row for row in GROUPS if row[0] == attribute), (None, "All", "Tous"))
        rows.append(
            {
                "target": target,
                "attribute": attribute,
                "group_value": value,
                "attribute_label_en": label[1],
                "attribute_label_fr": label[2],
                "group_label_en": value.capitalize(),
                "group_label_fr": f"« {value} »",
                "customers": customers,
                "prevalence": 0.31,
                "predicted": 0.28,
                "calibration_gap": -0.03,
                "auc": 0.81,
                "auc_promised": 0.82,
                "selection_rate": 0.4,
                "is_too_small": False,
                "is_ranked_worse": False,
                "is_miscalibrated": False,
                "is_selected_less": False,
                "is_found_less": False,
                "reading_en": "Nothing notable beyond chance.",
                "reading_fr": "Rien de notable au-delà du hasard.",
                "is_withheld": False,
                **own,
            }
        )

    for target in AUC:
        add(target, "all", "all", 1680)
        add(target, "gender", "women", 900)
        add(target, "gender", "men", 740)
        add(target, "gender", "others", 40, is_too_small=True)
    add(
        "churn",
        "segment",
        "gift buyers",
        230,
        is_ranked_worse=True,
        reading_en="Tells these customers apart worse than it claims.",
        reading_fr="Distingue moins bien ces clients qu'il ne le prétend.",
    )
    return rows


def _drift() -> list[dict]:
    told = [
        ("cutoffs", "recency_days", 0.031, "stable", "none"),
        ("cutoffs", "sessions_90d", 0.412, "drifted", "major"),
        ("builds", "score:churn", 0.152, "drifted", "moderate"),
        ("cutoffs", "p_alive", 0.3, "unjudged", "none"),
        ("cutoffs", "never_used", 0.9, "drifted", "major"),
    ]
    return [
        {
            "comparison": comparison,
            "feature": feature,
            "label_en": f"Label of {feature}",
            "label_fr": f"Libellé de {feature}",
            "psi": psi,
            "critical": 0.024,
            "is_latest": True,
            "reading": reading,
            "alarm": alarm,
            "finding": f"{feature} moved",
        }
        for comparison, feature, psi, reading, alarm in told
    ]


def _decay() -> list[dict]:
    told = [
        ("purchase", BEFORE, 0.8765, "at_promotion", False),
        ("churn", BEFORE, 0.7711, "at_promotion", False),
        ("churn", NOW, 0.7031, "decayed", True),
    ]
    return [
        {
            "target": target,
            "as_of_date": day,
            "metric": "auc",
            "promoted_on": BEFORE,
            "value_at_promotion": 0.7711 if target == "churn" else value,
            "value": value,
            "ci_low": value - 0.02,
            "ci_high": value + 0.02,
            "worse_by": 0.068 if alarm else 0.0,
            "noise": 0.0432,
            "is_latest": target == "purchase" or day == NOW,
            "verdict": verdict,
            "is_alarm": alarm,
            "finding": f"the auc of {target}",
        }
        for target, day, value, verdict, alarm in told
    ]


def _value_models() -> list[dict]:
    rows = []

    def add(model, predicts, parameters, errors, *, champion=False, metrics=(), **own):
        rows.append(
            {
                "as_of_date": NOW,
                "model": model,
                "predicts": predicts,
                "is_champion": champion,
                "reason": f"why {model}",
                "trained_on": NOW,
                "parameters": json.dumps(parameters),
                "standard_errors": json.dumps(errors),
                "log_likelihood": -9582.4,
                "converged": True,
                "warnings": "[]",
                "metrics": json.dumps(
                    [
                        {"metric": m, "value": v, "ci_low": v - 1, "ci_high": v + 1}
                        for m, v in metrics
                    ]
                ),
                **own,
            }
        )

    told = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    add("bg_nbd", "purchases", told, {"r": 0.013, "alpha": 0.378, "a": 0.186, "b": 0.705})
    warning = json.dumps(["Frequency and order value correlate."])
    add("gamma_gamma", "order_value", {"p": 6.25}, {"p": None}, warnings=warning)
    figures = [("deviance", 18.2), ("bias", -0.046)]
    totals = {
        "expected_total": 954.0,
        "actual_total": 1000.0,
        "total_ratio": 0.954,
        "total_ratio_low": 0.861,
        "total_ratio_high": 1.048,
    }
    add("bg_nbd_gamma_gamma", "revenue", {}, {}, metrics=figures, **totals)
    figures = [("deviance", 14.65), ("bias", 2.5)]
    totals = {**totals, "expected_total": 3500.0, "total_ratio": 3.5}
    totals |= {"total_ratio_low": 3.312, "total_ratio_high": 3.789}
    add("two_stage_boosting", "revenue", {}, {}, champion=True, metrics=figures, **totals)
    return rows


def _calibration() -> list[dict]:
    return [
        {
            "model": "bg_nbd",
            "frequency_group": group,
            "frequency_label": f"{group}+" if group == 7 else str(group),
            "customers": 300 - 30 * group,
            "actual_purchases": 0.2 + 0.2 * group,
            "actual_low": 0.15 + 0.2 * group,
            "actual_high": 0.25 + 0.2 * group,
            "expected_purchases": 0.22 + 0.2 * group + 0.3 * (group == 4),
        }
        for group in range(8)
    ]


def _scores(draw: np.random.Generator) -> pd.DataFrame:
    rows = [
        (f"secret-key-{n:05d}", target, float(draw.uniform(0, 0.5)))
        for target in ("purchase", "churn", "repeat")
        for n in range(200)
    ]
    return pd.DataFrame(rows, columns=["customer_key", "target", "probability"])
