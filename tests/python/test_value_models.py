"""Customer value: figures, the two-stage model, who is champion, what is remembered."""

import hashlib
import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from python_ext import lifetime_value as lv
from python_ext.errors import SegmentationError
from python_ext.frames import typed_table
from python_ext.lifetime_value import _judging
from python_ext.lifetime_value._policy import choose_champion
from python_ext.renewal import data_fingerprint

AS_OF = date(2026, 7, 1)
DEFINITIONS = pd.DataFrame(
    {
        "feature": ["recency_days", "frequency", "average_order_value", "survey_value"],
        "source_table": ["shop.orders", "shop.orders", "shop.orders", "survey.responses"],
        "in_propensity": True,
    }
)
CUTOFFS = {"train_2": "train", "train_1": "train", "test": "test", "score": "score"}


def pooled_histories(customers=1_500, seed=1, *, cutoffs=CUTOFFS, costed=0.0) -> pd.DataFrame:
    """Rows of int_lifetimes_pooled, one customer each, alike at every cutoff."""
    rng = np.random.default_rng(seed)
    rate, t = rng.gamma(0.8, 1 / 8, customers), rng.integers(70, 500, customers) / 7
    active = np.minimum(rng.exponential(1 / rng.gamma(0.8, 1 / 20, customers)), t)
    x = rng.poisson(rate * active)
    last = [active[i] * rng.random(count).max() if count else 0.0 for i, count in enumerate(x)]
    value = np.round(rng.lognormal(4, 0.3, customers) * rng.lognormal(0, 0.2, customers), 2)
    rows = pd.DataFrame(
        {
            "customer_key": [f"c{number:05d}" for number in range(customers)],
            "x": x,
            "t_x": last,
            "t": t,
            "repeat_order_value": np.where(x > 0, value, np.nan),
            "customers": 1,
            "sold_revenue": (x + 1) * value,
            "returned_revenue": (x + 1) * value * 0.1,
            "net_revenue": (x + 1) * value * 0.9,
            "costed_revenue": (x + 1) * value * 0.9 * costed,
            "costed_margin": (x + 1) * value * 0.9 * costed * 0.4,
        }
    )
    return pd.concat(
        [rows.assign(cutoff_name=name, cutoff_on=AS_OF) for name in cutoffs], ignore_index=True
    )


def measured(pooled: pd.DataFrame) -> pd.DataFrame:
    """The same customers as rows of int_lifetimes_measured."""
    return pooled.assign(margin_rate=np.nan, last_event_at=pd.Timestamp("2026-06-30"))


@pytest.fixture(scope="module")
def pooled() -> pd.DataFrame:
    return pooled_histories()


@pytest.fixture(scope="module")
def models(pooled) -> pd.DataFrame:
    return lv.fit_lifetimes(pooled, least_repeat_customers=30, least_costed_share=0.8)


@pytest.fixture(scope="module")
def lifetimes(pooled, models) -> pd.DataFrame:
    return load(models).score(measured(pooled))


def load(models: pd.DataFrame) -> lv.Lifetimes:
    return lv.Lifetimes.load(models, horizon_days=91, clv_days=365, yearly_rate=0.1)


def examples_of(lifetimes: pd.DataFrame, *, only_features_know: bool, seed=2) -> pd.DataFrame:
    """Features and outcomes; what follows hangs on a feature or on the history alone."""
    rng = np.random.default_rng(seed)
    rows = lifetimes[lifetimes["cutoff_name"] != "score"].reset_index(drop=True)
    secret = rng.random(len(rows))
    mean = rows["expected_purchases"].to_numpy()
    if only_features_know:
        mean = np.where(secret > 0.5, 1.2, 0.02)
    purchases = rng.poisson(mean)
    sold = purchases * rows["expected_order_value"] * rng.lognormal(-0.02, 0.2, len(rows))
    return pd.DataFrame(
        {
            "customer_key": rows["customer_key"],
            "cutoff_name": rows["cutoff_name"],
            "split": rows["cutoff_name"].map(CUTOFFS),
            "recency_days": 7 * (rows["t"] - rows["t_x"]),
            "frequency": rows["x"] + 1.0,
            "average_order_value": rows["repeat_order_value"],
            "survey_value": secret,
            "purchases": purchases,
            "sold_revenue": sold,
            "net_revenue": sold * 0.9,
        }
    )


def run(examples, lifetimes, models, memory=None, **options) -> pd.DataFrame:
    test = lifetimes[lifetimes["cutoff_name"] == "test"]
    options = {"as_of": AS_OF, "horizon_days": 91, "resamples": 50, **options}
    return lv.run_value(examples, test, models, DEFINITIONS, memory, **options)


@pytest.fixture(scope="module")
def rich_examples(lifetimes) -> pd.DataFrame:
    return examples_of(lifetimes, only_features_know=True)


@pytest.fixture(scope="module")
def first_run(rich_examples, lifetimes, models) -> pd.DataFrame:
    return run(rich_examples, lifetimes, models)


class TestFigures:
    ACTUAL = np.array([0.0, 0.0, 10.0, 30.0, 60.0])

    def test_a_perfect_prediction(self):
        figures = lv.judge_amounts(self.ACTUAL, self.ACTUAL).set_index("metric")["value"]
        assert figures["mae"] == figures["rmse"] == figures["bias"] == 0
        assert figures["gini"] == pytest.approx(1) == figures["rank_correlation"]
        # Half of the best fifth.
        assert figures["top_decile_share"] == pytest.approx(0.3)

    def test_a_constant_orders_nobody(self):
        figures = lv.judge_amounts(self.ACTUAL, np.full(5, 20.0)).set_index("metric")["value"]
        assert figures["gini"] == pytest.approx(0, abs=1e-12)
        assert figures["top_decile_share"] == pytest.approx(0.1)
        assert figures["bias"] == 0 and np.isnan(figures["rank_correlation"])

    def test_by_hand(self):
        figures = lv.judge_amounts([0.0, 10.0], [5.0, 20.0]).set_index("metric")["value"]
        assert figures["mae"] == 7.5 and figures["rmse"] == pytest.approx(np.sqrt(62.5))
        assert figures["bias"] == pytest.approx(1.5)

    def test_weights_are_repetitions(self):
        rng = np.random.default_rng(0)
        actual, predicted = rng.poisson(1, 60) * 10.0, rng.integers(0, 9, 60) * 3.0
        weight = rng.integers(0, 4, 60).astype(float)
        repeated = np.repeat(np.arange(60), weight.astype(int))
        once = _judging.Judge(actual, predicted).figures(weight)
        again = _judging.Judge(actual[repeated], predicted[repeated]).figures()
        for name in set(once) - {"deviance"}:  # its floor is the mean of all
            assert once[name] == pytest.approx(again[name]), name

    def test_deviance_is_least_for_the_mean(self):
        actual = np.array([0.0, 0.0, 0.0, 7.0, 33.0])
        means = {m: _judging.tweedie_deviance(actual, np.full(5, m)).mean() for m in (6, 8, 10)}
        assert min(means, key=means.get) == 8

    def test_the_interval_covers_the_truth(self):
        """Of 60 samples with a known mean error, the interval must hold it in most."""
        rng, held = np.random.default_rng(1), 0
        for number in range(60):
            wrong = rng.exponential(10, 150)
            figures = lv.judge_amounts(np.full(150, 50.0), 50 + wrong, resamples=100, seed=number)
            mae = figures.set_index("metric").loc["mae"]
            held += mae["ci_low"] <= 10 <= mae["ci_high"]
        assert 51 <= held <= 60


class TestTwoStages:
    def test_mean_and_total_are_right_although_amounts_are_skewed(self):
        rng = np.random.default_rng(3)
        rows = 12_000
        examples = pd.DataFrame({"customer_key": np.arange(rows), "recency_days": rng.random(rows)})
        buys = rng.random(rows) < 0.2 + 0.5 * examples["recency_days"]
        spend = np.exp(3 + examples["recency_days"]) * rng.lognormal(0, 1.0, rows)
        examples["purchases"] = buys.astype(int)
        examples["sold_revenue"] = np.where(buys, spend, 0.0)
        examples["net_revenue"] = examples["sold_revenue"] * 0.8
        features = [lv_feature("recency_days")]
        model, out_of_fold = lv.train_two_stage(examples, features, seed=1)
        assert out_of_fold.sum() == pytest.approx(examples["net_revenue"].sum())
        for low in (0.0, 0.3, 0.6):
            share = np.linspace(low, low + 0.4, 100)
            known = (0.2 + 0.5 * share) * np.exp(3 + share + 0.5) * 0.8
            found = model.predict(pd.DataFrame({"recency_days": share}))
            assert found.mean() == pytest.approx(known.mean(), rel=0.15)

    def test_it_reads_back_the_same_and_refuses_a_changed_file(self, first_run, rich_examples):
        row = first_run.set_index("model").loc["two_stage_boosting"]
        model = lv.TwoStageModel.from_bytes(row["artefact"], sha256=row["artefact_sha256"])
        again = model.to_bytes()
        reread = lv.TwoStageModel.from_bytes(again, sha256=hashlib.sha256(again).hexdigest())
        assert (model.predict(rich_examples) == reread.predict(rich_examples)).all()
        assert model.predict(rich_examples).std() > 1
        changed = bytearray(row["artefact"])
        changed[len(changed) // 2] ^= 1
        with pytest.raises(SegmentationError, match="altered after it was written"):
            lv.TwoStageModel.from_bytes(bytes(changed), sha256=row["artefact_sha256"])

    def test_another_kind_of_file_is_refused(self):
        import skops.io

        other = skops.io.dumps({"format": "something else"})
        with pytest.raises(SegmentationError, match="not of the format"):
            lv.TwoStageModel.from_bytes(other, sha256=hashlib.sha256(other).hexdigest())

    def test_too_few_buyers_are_said(self):
        examples = pd.DataFrame(
            {"customer_key": range(100), "purchases": [1] * 9 + [0] * 91, "recency_days": 1.0}
        ).assign(sold_revenue=1.0, net_revenue=1.0)
        with pytest.raises(SegmentationError, match="9 of 100 rows bought"):
            lv.train_two_stage(examples, [lv_feature("recency_days")])


def lv_feature(name):
    from python_ext.features import Feature

    return Feature(name, "other", "none", name, name)


class TestChampion:
    def test_what_only_features_know_makes_boosting_champion(self, first_run):
        rows = first_run.set_index("model")
        assert rows["is_champion"].to_dict() == {
            "bg_nbd": False,
            "pareto_nbd": False,
            "gamma_gamma": False,
            "bg_nbd_gamma_gamma": False,
            "two_stage_boosting": True,
        }
        assert (
            "lower than the simpler model, beyond noise" in rows.loc["two_stage_boosting", "reason"]
        )

    def test_the_simpler_stays_where_history_is_all(self, lifetimes, models):
        rows = run(examples_of(lifetimes, only_features_know=False), lifetimes, models)
        rows = rows.set_index("model")
        assert rows.loc["bg_nbd_gamma_gamma", "is_champion"]
        assert not rows.loc["two_stage_boosting", "is_champion"]
        metrics = pd.DataFrame(json.loads(rows.loc["bg_nbd_gamma_gamma", "metrics"]))
        bias = metrics.set_index("metric").loc["bias"]
        assert bias["ci_low"] < 0 < bias["ci_high"]

    @pytest.mark.parametrize(
        ("gain", "replaced", "word"),
        [
            ((2.0, 0.1, 3.0), True, "beyond noise"),
            ((2.0, -0.1, 3.0), False, "within noise"),
            ((-2.0, -3.0, 0.1), False, "within noise"),
            ((-2.0, -3.0, -1.0), False, "higher than the simpler"),
            (None, False, "could not be compared"),
        ],
    )
    def test_the_rule(self, gain, replaced, word):
        decided, _, rich = choose_champion(gain)
        assert decided is replaced and word in rich

    def test_scores_come_from_the_champion(self, first_run, rich_examples):
        champion = lv.ValueChampion.load(first_run, as_of=AS_OF)
        customers = rich_examples.assign(expected_revenue=5.0)
        scores = champion.score(customers)
        assert (scores["expected_value"] == scores["expected_value_boosting"]).all()
        assert (scores["expected_value_lifetimes"] == 5.0).all()
        rows = first_run.set_index("model")
        assert set(scores["model_id"]) == {rows.loc["two_stage_boosting", "model_id"]}
        typed_table(scores.drop_duplicates("customer_key"), lv.CUSTOMER_VALUE_SCHEMA)


class TestTotals:
    def test_the_sum_of_promises_stands_beside_what_came(self, first_run, rich_examples, lifetimes):
        totals = lv.sum_up_promises(first_run)
        assert typed_table(totals, lv.TOTALS_SCHEMA).num_rows == 2
        totals = totals.set_index("model")
        test = rich_examples[rich_examples["split"] == "test"]
        model = first_run.set_index("model").loc["two_stage_boosting"]
        boosting = lv.TwoStageModel.from_bytes(model["artefact"], sha256=model["artefact_sha256"])
        promised = {
            "bg_nbd_gamma_gamma": lifetimes.loc[
                lifetimes["cutoff_name"] == "test", "expected_revenue"
            ].sum(),
            "two_stage_boosting": boosting.predict(test).sum(),
        }
        came = test["net_revenue"].sum()
        for name, total in promised.items():
            row = totals.loc[name]
            assert row["expected_total"] == pytest.approx(total)
            assert row["actual_total"] == pytest.approx(came)
            assert row["total_ratio"] == pytest.approx(total / came)
            assert row["total_ratio_low"] < row["total_ratio"] < row["total_ratio_high"]

    def test_a_run_without_an_outcome_or_without_spending_has_no_ratio(self, first_run):
        nothing = first_run.assign(metrics="[]")
        assert typed_table(lv.sum_up_promises(nothing), lv.TOTALS_SCHEMA).num_rows == 0
        judged = _judging.judge_amounts(np.zeros(20), np.ones(20), resamples=5)
        judged = judged.astype(object).where(judged.notna(), None)
        unspent = first_run.assign(metrics=json.dumps(judged.to_dict("records")), test_rows=20)
        totals = lv.sum_up_promises(unspent)
        assert totals["expected_total"].tolist() == [20, 20]
        assert totals["actual_total"].tolist() == [0, 0]
        assert totals["total_ratio"].isna().all()


class TestMemory:
    def test_a_second_build_of_the_day_adds_nothing(
        self, first_run, rich_examples, lifetimes, models
    ):
        again = run(rich_examples.sample(frac=1, random_state=3), lifetimes, models, first_run)
        pd.testing.assert_frame_equal(
            again.drop(columns="as_of_date"), first_run.drop(columns="as_of_date")
        )

    def test_a_mended_file_trains_anew_on_the_same_day(
        self, first_run, rich_examples, lifetimes, models
    ):
        spoilt = run(rich_examples.assign(frequency=1.0), lifetimes, models)
        assert set(spoilt["model_id"]) != set(first_run["model_id"])
        mended = run(rich_examples, lifetimes, models, spoilt)
        pd.testing.assert_frame_equal(mended, first_run)
        kept = run(rich_examples, lifetimes, models, spoilt, retrain="never")
        assert set(kept["model_id"]) == set(spoilt["model_id"])

    def test_two_runs_are_equal(self, first_run, rich_examples, lifetimes, models):
        shuffled = rich_examples.sample(frac=1, random_state=1)
        again = run(shuffled, lifetimes, models)
        assert typed_table(again, lv.VALUE_MODELS_SCHEMA).equals(
            typed_table(first_run, lv.VALUE_MODELS_SCHEMA)
        )

    def test_a_month_later_it_is_kept_and_judged_anew(
        self, first_run, rich_examples, lifetimes, models
    ):
        later = run(
            rich_examples, lifetimes, models, first_run, as_of=date(2026, 8, 1), seed=7
        ).set_index("model")
        before = first_run.set_index("model").loc["two_stage_boosting"]
        row = later.loc["two_stage_boosting"]
        assert row["decision"] == "kept" and "31 days old" in row["decision_reason"]
        assert row["model_id"] == before["model_id"] and row["artefact"] == before["artefact"]
        assert row["metrics"] != before["metrics"]  # other draws of the bootstrap
        assert pd.Timestamp(row["trained_on"]) == pd.Timestamp(AS_OF)

    @pytest.mark.parametrize(
        ("options", "columns", "decision", "reason"),
        [
            ({"as_of": date(2027, 7, 1)}, [], "trained", "365 days old, more than 180"),
            ({"as_of": date(2027, 7, 1), "retrain": "never"}, [], "kept", "is never"),
            ({"sources": {"survey": False}}, [], "trained", "are gone: survey_value"),
            (
                {"sources": {"survey": False}, "retrain": "never"},
                [],
                "not trained",
                "are gone: survey_value",
            ),
        ],
    )
    def test_the_policy(
        self, options, columns, decision, reason, first_run, rich_examples, lifetimes, models
    ):
        options = {"as_of": date(2026, 8, 1), **options}
        rows = run(rich_examples, lifetimes, models, first_run, **options)
        row = rows.set_index("model").loc["two_stage_boosting"]
        assert row["decision"] == decision and reason in row["decision_reason"]
        assert rows.loc[rows["predicts"] == "revenue", "is_champion"].sum() == 1

    def test_never_without_a_model_leaves_the_simpler_one(self, rich_examples, lifetimes, models):
        rows = run(rich_examples, lifetimes, models, retrain="never").set_index("model")
        assert rows.loc["two_stage_boosting", "decision"] == "not trained"
        assert rows.loc["bg_nbd_gamma_gamma", "is_champion"]
        champion = lv.ValueChampion.load(rows.reset_index())
        scores = champion.score(rich_examples.assign(expected_revenue=1.0))
        assert (scores["expected_value"] == 1).all()
        assert scores["expected_value_boosting"].isna().all()

    def test_an_unknown_policy_is_refused(self, rich_examples, lifetimes, models):
        with pytest.raises(SegmentationError, match="value_retrain is 'sometimes'"):
            run(rich_examples, lifetimes, models, retrain="sometimes")

    def test_the_fingerprint_is_of_the_content(self, rich_examples):
        shuffled = rich_examples.sample(frac=1, random_state=2)
        assert data_fingerprint(shuffled) == data_fingerprint(rich_examples)
        changed = rich_examples.assign(frequency=rich_examples["frequency"] + 1)
        assert data_fingerprint(changed) != data_fingerprint(rich_examples)


class TestLifetimesOfCutoffs:
    def test_the_tables_have_their_schemas(self, models, lifetimes):
        typed_table(models, lv.LIFETIME_MODELS_SCHEMA)
        typed_table(lifetimes, lv.LIFETIMES_SCHEMA)
        assert set(models["model"]) == {"population", "bg_nbd", "gamma_gamma", "pareto_nbd"}

    def test_each_cutoff_is_fitted_by_itself(self, pooled, models):
        """What is known at one cutoff changes nothing at another: no leakage between them."""
        changed = pooled.copy()
        later = changed["cutoff_name"] == "score"
        changed.loc[later, "x"] *= 3
        changed.loc[later & (changed["x"] == 0), "t_x"] = 0
        again = lv.fit_lifetimes(changed, least_repeat_customers=30, least_costed_share=0.8)
        for name in CUTOFFS:
            one, two = (
                rows[(rows["cutoff_name"] == name) & (rows["model"] == "bg_nbd")].iloc[0]
                for rows in (models, again)
            )
            assert (one["parameters"] == two["parameters"]) == (name != "score")

    def test_value_is_purchases_times_value_after_returns(self, lifetimes):
        ratio = lifetimes["expected_revenue"] / (
            lifetimes["expected_purchases"] * lifetimes["expected_order_value"]
        )
        assert ratio.to_numpy() == pytest.approx(0.9)

    def test_margin_where_cost_is_known(self, pooled, lifetimes):
        costed = pooled_histories(costed=1.0)
        models = lv.fit_lifetimes(costed, least_repeat_customers=30, least_costed_share=0.8)
        own = measured(costed)
        own.loc[own["customer_key"] == "c00007", "margin_rate"] = 0.2
        scored = load(models).score(own)
        assert set(scored["clv_basis"]) == {"margin"} and set(lifetimes["clv_basis"]) == {"revenue"}
        rate = (scored["clv"] / lifetimes["clv"]).round(6)
        assert set(rate[scored["customer_key"] == "c00007"]) == {0.2}
        assert set(rate[scored["customer_key"] != "c00007"]) == {0.4}

    def test_too_little_cost_is_said(self):
        half = pooled_histories(300, costed=0.5, cutoffs=["score"])
        models = lv.fit_lifetimes(half, least_repeat_customers=30, least_costed_share=0.8)
        words = models.set_index("model").loc["population", "warnings"]
        assert "revenue, not margin" in words and "80%" in words

    @pytest.mark.parametrize("customers", [1, 40])
    def test_one_time_buyers_alone_crash_nothing(self, customers):
        rows = pooled_histories(customers, cutoffs=["score", "test"])
        rows = rows.assign(x=0, t_x=0.0, repeat_order_value=np.nan)
        models = lv.fit_lifetimes(rows, least_repeat_customers=30, least_costed_share=0.8)
        assert (
            models["warnings"].str.contains("0 of .* customers bought again").sum() == 6
        )  # three models, two cutoffs
        scored = load(models).score(measured(rows))
        assert scored["p_alive"].isna().all() and (scored["expected_purchases"] == 0).all()
        assert set(scored["purchase_model"]) == {"population"}
        typed_table(models, lv.LIFETIME_MODELS_SCHEMA)
        typed_table(scored, lv.LIFETIMES_SCHEMA)

    def test_free_orders_crash_nothing(self):
        rows = pooled_histories(500, cutoffs=["score"])
        money = ["sold_revenue", "returned_revenue", "net_revenue"]
        rows = rows.assign(**dict.fromkeys(money, 0.0))
        rows["repeat_order_value"] = rows["repeat_order_value"] * 0
        models = lv.fit_lifetimes(rows, least_repeat_customers=30, least_costed_share=0.8)
        scored = load(models).score(measured(rows))
        assert (scored["clv"] == 0).all()

    def test_nobody_gives_empty_tables(self, pooled):
        none = pooled.iloc[:0]
        models = lv.fit_lifetimes(none, least_repeat_customers=30, least_costed_share=0.8)
        scored = load(models).score(measured(none))
        assert typed_table(models, lv.LIFETIME_MODELS_SCHEMA).num_rows == 0
        assert typed_table(scored, lv.LIFETIMES_SCHEMA).num_rows == 0


class TestCalibration:
    def test_by_hand(self):
        table = lv.calibrate_purchases(
            [0, 0, 1, 7, 12], [0, 2, 3, 4, 6], [1, 1, 2, 5, 7], model="bg_nbd"
        )
        assert table["customers"].tolist() == [2, 1, 2]
        assert table["actual_purchases"].tolist() == [1, 3, 5]
        assert table["expected_purchases"].tolist() == [1, 2, 6]
        assert table["frequency_label"].tolist() == ["0", "1", "7+"]
        assert typed_table(table, lv.CALIBRATION_SCHEMA).num_rows == 3

    def test_models_that_could_not_be_fitted_are_left_out(self, pooled, models):
        customers = pooled[pooled["cutoff_name"] == "test"].assign(purchases=1)
        both = lv.calibrate_lifetimes(customers, models, horizon_weeks=13)
        assert set(both["model"]) == {"bg_nbd", "pareto_nbd"}
        none = lv.calibrate_lifetimes(customers, models.assign(converged=False), horizon_weeks=13)
        assert typed_table(none, lv.CALIBRATION_SCHEMA).num_rows == 0
