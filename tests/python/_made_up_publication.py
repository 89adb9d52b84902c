"""A small published file with every mart the page reads. Made up: nobody in it exists.

``python tests/python/_made_up_publication.py FILE`` writes one, to look at without a build.
"""

import sys
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from _made_up_models import model_marts

NOW, BEFORE = date(2026, 7, 1), date(2026, 6, 1)
VIEW = "all"
DATES = (
    "as_of_date",
    "previous_as_of_date",
    "trained_on",
    "promoted_on",
    "retired_on",
    "last_run_on",
)
DATES += ("first_train_on", "last_train_on", "test_on", "score_on")
# id, English name, French name, customers, mean revenue, stability
SEGMENTS = [
    (1, "Premium loyalists", "Fidèles premium", 210, 1900, 0.94),
    (2, "Family regulars", "Familles fidèles", 260, 1050, 0.91),
    (3, "Bargain hunters", "Chasseurs de promotions", 255, 480, 0.88),
    (4, "Gift buyers", "Acheteurs de cadeaux", 230, 430, 0.83),
    (5, "Summer visitors", "Visiteurs d'été", 150, 330, 0.71),
    (7, "Digital browsers", "Explorateurs digitaux", 240, 240, 0.56),
]
SENTENCES = {
    1: (
        "Buy often and dear, seldom at a discount.",
        "Achètent souvent et cher, rarement en promotion.",
    ),
    2: (
        "Come at short intervals and fill large baskets.",
        "Viennent à intervalles courts et remplissent de grands paniers.",
    ),
    3: ("Buy when the price is cut.", "Achètent quand le prix baisse."),
    4: ("Appear towards Christmas.", "Se montrent vers Noël."),
    5: ("Buy mostly in July and August.", "Achètent surtout en juillet et août."),
    7: (
        "Live on the site and the phone; small baskets.",
        "Vivent sur le site et le mobile ; petits paniers.",
    ),
}
ACTIONS = {
    1: (
        "Recognise them: early access, no discounts.",
        "Les reconnaître : avant-premières, sans remises.",
    ),
    2: ("Offer bundles and a rhythm of delivery.", "Proposer des lots et un rythme de livraison."),
    3: (
        "Bring them to the sales, test smaller cuts.",
        "Les inviter aux soldes, tester de plus petites remises.",
    ),
    4: (
        "Write in October; offer gift wrapping.",
        "Écrire en octobre ; proposer l'emballage cadeau.",
    ),
    5: ("Greet them in June.", "Les saluer en juin."),
    7: ("Shorten the way to the second basket.", "Raccourcir le chemin vers le deuxième panier."),
}
FEATURES = {
    "average_order_value": ("Average order value", "Panier moyen", 80, 40, True),
    "monetary": ("Net revenue", "Chiffre d'affaires net", 750, 600, False),
    "frequency": ("Purchase days", "Jours d'achat", 9.6, 6, True),
    "items_per_order": ("Articles per order", "Articles par commande", 2.3, 0.8, True),
    "discount_rate": (
        "Discount over gross revenue",
        "Remises sur chiffre d'affaires brut",
        0.06,
        0.05,
        True,
    ),
    "web_order_share": ("Share of orders on the web", "Part des commandes web", 0.5, 0.3, True),
    "christmas_share": (
        "Share of purchases in November and December",
        "Part des achats en novembre et décembre",
        0.25,
        0.2,
        True,
    ),
    "summer_share": (
        "Share of purchases in July and August",
        "Part des achats en juillet et août",
        0.24,
        0.2,
        True,
    ),
    "mobile_session_share": (
        "Share of visits on a mobile",
        "Part des visites sur mobile",
        0.53,
        0.3,
        False,
    ),
    "recency_days": (
        "Days since the last purchase",
        "Jours depuis le dernier achat",
        180,
        120,
        False,
    ),
    "return_rate": (
        "Returns over gross revenue",
        "Retours sur chiffre d'affaires brut",
        0.066,
        0.05,
        True,
    ),
    "email_open_rate": ("E-mail open rate", "Taux d'ouverture", 0.21, 0.15, False),
    "age_years": ("Age", "Âge", 41, 13, False),
    "sessions_90d": (
        "Web sessions in the last 90 days",
        "Visites web sur 90 jours",
        1.2,
        1.5,
        False,
    ),
}
MARKED = {  # what is planted, in standard deviations
    1: {
        "average_order_value": 1.6,
        "monetary": 1.4,
        "discount_rate": -1.0,
        "age_years": 0.8,
        "web_order_share": -0.7,
    },
    2: {"frequency": 1.3, "items_per_order": 1.5, "monetary": 0.5, "recency_days": -0.6},
    3: {
        "discount_rate": 1.7,
        "web_order_share": 0.6,
        "email_open_rate": 0.5,
        "average_order_value": -0.3,
    },
    4: {"christmas_share": 2.2, "frequency": -0.8, "recency_days": 0.3},
    5: {"summer_share": 2.0, "web_order_share": -1.0, "frequency": -0.6},
    7: {
        "web_order_share": 1.1,
        "mobile_session_share": 1.0,
        "average_order_value": -0.9,
        "sessions_90d": 1.2,
    },
}
RFM = [
    ("Champions", "Champions"),
    ("Loyal", "Fidèles"),
    ("Potential loyalist", "Fidèles potentiels"),
    ("New", "Nouveaux"),
    ("Promising", "Prometteurs"),
    ("Need attention", "À surveiller"),
    ("About to sleep", "En voie d'endormissement"),
    ("At risk", "À risque"),
    ("Cannot lose", "À ne pas perdre"),
    ("Hibernating", "En hibernation"),
    ("Lost", "Perdus"),
]
OTHER_VIEWS = {
    "behaviour": [
        ("Steady buyers", "Acheteurs réguliers", 0.42),
        ("Seasonal buyers", "Acheteurs saisonniers", 0.58),
    ],
    "engagement": [
        ("Readers", "Lecteurs", 0.3),
        ("Visitors", "Visiteurs", 0.25),
        ("Silent", "Silencieux", 0.45),
    ],
    "value": [
        ("High value", "Forte valeur", 0.2),
        ("Middle value", "Valeur moyenne", 0.5),
        ("Low value", "Faible valeur", 0.3),
    ],
}


def write(
    file: Path, *, seed: int = 7, fallback: bool = False, empty: tuple[str, ...] = ()
) -> Path:
    """Write a published file.

    Parameters
    ----------
    file
        To write; replaced.
    seed
        Of what is drawn.
    fallback
        No stable segmentation was found: customers carry RFM segments.
    empty
        Marts that are to have no rows.
    """
    draw = np.random.default_rng(seed)
    marts = {
        "about": _about(),
        "customer_segments": _customers(draw, fallback),
        "segments": _segments(fallback),
        "segment_profiles": _profiles(draw),
        "segment_quality": _quality(fallback),
        "segment_stability": _stability(),
        "segment_tree": _tree(),
        "segment_events": _events(),
        "segment_migrations": _migrations(),
        "segment_rules": _rules(),
        "segment_crosstab": _crosstab(draw),
        "segment_associations": _associations(),
        "segment_loadings": _loadings(draw),
        "segment_projection": _projection(draw),
        **model_marts(draw),
    }
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts")
        write_marts(connection, marts, empty=empty)
    return file


def write_marts(
    connection: duckdb.DuckDBPyConnection,
    marts: dict[str, pd.DataFrame],
    *,
    empty: tuple[str, ...] = (),
) -> None:
    """Write tables into the schema ``marts``; those of ``empty`` without their rows."""
    for name, frame in marts.items():
        frame = frame.convert_dtypes()
        connection.register("made_up", frame)
        only = " where false" if name in empty else ""
        connection.execute(f"create table marts.{name} as select * from made_up{only}")
        connection.unregister("made_up")
        for column in frame.columns:
            if column in DATES:
                connection.execute(f"alter table marts.{name} alter {column} type date")


def _about() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "dataset": ["made_up"],
            "dataset_title": ["Made up to test the page: nobody in it exists"],
            "is_synthetic": [True],
            "base_currency": ["EUR"],
            "as_of_date": [NOW],
            "k_anonymity": [10],
        }
    )


def _customers(draw: np.random.Generator, fallback: bool) -> pd.DataFrame:
    rows = []
    for number, name, french, size, worth, _ in SEGMENTS:
        for _ in range(size):
            rfm = int(draw.integers(len(RFM)))
            row = (number, name, french, "clusters", worth * draw.gamma(2, 0.5))
            if fallback:
                row = (901 + rfm, *RFM[rfm], "rfm", row[4])
            rows.append((*row, *RFM[rfm], bool(draw.random() < 0.1), bool(draw.random() < 0.03)))
    for number, name, french, size in (
        (0, "Prospect", "Prospect", 120),
        (-1, "Not profiled", "Non profilés", 60),
    ):
        rows += [
            (number, name, french, None, 0.0 if number == 0 else 500.0, *RFM[10], False, False)
        ] * size
    columns = ["segment_id", "segment", "segment_fr", "segment_basis", "monetary"]
    columns += ["rfm_segment", "rfm_segment_fr", "was_imputed", "is_outlier"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.insert(0, "customer_key", [f"secret-key-{n:05d}" for n in range(len(frame))])
    return frame


def _segments(fallback: bool) -> pd.DataFrame:
    rows = []
    for number, name, french, size, _, value in SEGMENTS:
        rows.append(
            (
                VIEW,
                "segment",
                number,
                None,
                name,
                french,
                *SENTENCES[number],
                *ACTIONS[number],
                size,
                _label(value),
            )
        )
        for part, (extra, extra_fr, share) in enumerate(_parts(number)):
            sub = number * 10 + part
            rows.append(
                (
                    VIEW,
                    "sub_segment",
                    sub,
                    number,
                    f"{name}, {extra}",
                    f"{french}, {extra_fr}",
                    None,
                    None,
                    None,
                    None,
                    round(size * share),
                    None,
                )
            )
            for piece, (tiny, tiny_fr) in enumerate(
                [("web", "web"), ("store", "magasin")][: 2 if share > 0.4 else 1]
            ):
                rows.append(
                    (
                        VIEW,
                        "micro_segment",
                        sub * 10 + piece,
                        sub,
                        f"{name}, {extra}, {tiny}",
                        f"{french}, {extra_fr}, {tiny_fr}",
                        None,
                        None,
                        None,
                        None,
                        round(size * share / (2 if share > 0.4 else 1)),
                        None,
                    )
                )
    for view, groups in OTHER_VIEWS.items():
        for number, (name, french, share) in enumerate(groups, 1):
            rows.append(
                (
                    view,
                    "segment",
                    number,
                    None,
                    name,
                    french,
                    None,
                    None,
                    None,
                    None,
                    round(1345 * share),
                    "stable",
                )
            )
    if fallback:
        rows = [row for row in rows if row[0] != VIEW]
        rows += [
            (VIEW, "segment", 901 + n, None, *names, None, None, None, None, 122, None)
            for n, names in enumerate(RFM)
        ]
    columns = [
        "view",
        "level",
        "segment_id",
        "parent_segment_id",
        "segment",
        "segment_fr",
        "description",
    ]
    columns += ["description_fr", "action", "action_fr", "customers", "stability"]
    return pd.DataFrame(rows, columns=columns)


def _parts(number: int) -> list[tuple[str, str, float]]:
    if number == 5:
        return [("whole", "entier", 1.0)]
    return [("frequent", "fréquents", 0.5), ("rare", "rares", 0.3), ("new", "nouveaux", 0.2)][
        : 3 if number < 4 else 2
    ]


def _label(value: float) -> str:
    return "stable" if value > 0.75 else "doubtful" if value >= 0.6 else "unstable"


def _profiles(draw: np.random.Generator) -> pd.DataFrame:
    rows = []
    for number, *_ in SEGMENTS:
        for feature, (label, french, mean, spread, circular) in FEATURES.items():
            z = MARKED[number].get(feature, 0.0) + draw.normal() * 0.12
            value = max(mean + z * spread, 0.0)
            rows.append(
                (
                    VIEW,
                    "segment",
                    number,
                    feature,
                    label,
                    french,
                    value,
                    value,
                    mean,
                    100 * value / mean,
                    z,
                    abs(z) / 4,
                    0.0,
                    circular,
                )
            )
    columns = [
        "view",
        "segment_level",
        "segment_id",
        "feature",
        "feature_label",
        "feature_label_fr",
        "mean",
        "median",
    ]
    columns += ["overall_mean", "index_vs_all", "z", "effect_size", "p_value", "is_circular"]
    frame = pd.DataFrame(rows, columns=columns)
    ranks = frame.assign(size=-frame["z"].abs()).groupby("segment_id")["size"].rank(method="first")
    return frame.assign(differentiator_rank=ranks.astype(int))


def _quality(fallback: bool) -> pd.DataFrame:
    rows = []
    for k in range(1, 11):
        peak = np.exp(-((k - 6) ** 2) / 9)
        stability = 1.0 if k == 1 else max(0.35, 0.95 - 0.09 * abs(k - 6))
        for algorithm, less in (("kmeans", 0.0), ("gmm", 0.03)):
            if k == 1 and algorithm == "gmm":
                continue
            ok = k > 1 and stability - less >= 0.6 and not fallback
            is_chosen = algorithm == "kmeans" and k == (1 if fallback else 6)
            rows.append(
                (
                    VIEW,
                    NOW,
                    f"{algorithm}_{k}",
                    algorithm,
                    k,
                    None if k == 1 else 0.18 + 0.2 * peak - less,
                    1.0 + 0.12 * k - less,
                    0.97 * stability - less,
                    stability - less,
                    1 / (k * 1.4),
                    {6: 4, 8: 2}.get(k, 0) if algorithm == "kmeans" and ok else 0,
                    1345,
                    ok,
                    is_chosen,
                    "fitted",
                )
            )
    columns = [
        "view",
        "as_of_date",
        "candidate",
        "algorithm",
        "k",
        "silhouette",
        "gap",
        "stability_mean",
        "stability_min",
    ]
    columns += ["smallest_share", "votes", "fitted_rows", "is_admissible", "is_chosen", "decision"]
    return pd.DataFrame(rows, columns=columns)


def _stability() -> pd.DataFrame:
    rows = [
        (VIEW, "segment", number, "bootstrap_jaccard", value, _label(value))
        for number, *_, value in SEGMENTS
    ]
    for measure, value in (
        ("bootstrap_rand", 0.91),
        ("seed_rand", 0.99),
        ("without_feature_lowest", 0.74),
        ("customers_rand", 0.82),
    ):
        rows.append((VIEW, "segment", 0, measure, value, "stable" if value > 0.8 else "doubtful"))
    return pd.DataFrame(rows, columns=["view", "level", "segment_id", "measure", "value", "label"])


def _tree() -> pd.DataFrame:
    rows = [("root", None, 2.4, "all", None, None, None, 1345, 0.0)]
    rows += [
        ("left", "root", 1.9, "branch", None, None, None, 700, 0.0),
        ("right", "root", 1.5, "branch", None, None, None, 645, 0.0),
    ]
    x = 0.0
    for number, _, _, size, _, _ in SEGMENTS:
        above = "left" if number in (1, 2, 3) else "right"
        rows.append(
            (f"s{number}", above, 0.9 + 0.04 * number, "segment", number, None, None, size, x)
        )
        for part, (_, _, share) in enumerate(_parts(number)):
            sub = number * 10 + part
            rows.append(
                (
                    f"u{sub}",
                    f"s{number}",
                    0.45 + 0.05 * part,
                    "sub_segment",
                    number,
                    sub,
                    None,
                    round(size * share),
                    x,
                )
            )
            for piece in range(2 if share > 0.4 else 1):
                count = round(size * share / (2 if share > 0.4 else 1))
                rows.append(
                    (
                        f"m{sub}{piece}",
                        f"u{sub}",
                        0.2,
                        "micro_segment",
                        number,
                        sub,
                        sub * 10 + piece,
                        count,
                        x,
                    )
                )
                x += 1.0
    columns = [
        "node_id",
        "parent_node_id",
        "height",
        "level",
        "segment_id",
        "sub_segment_id",
        "micro_segment_id",
        "customers",
        "x",
    ]
    return pd.DataFrame(rows, columns=columns).assign(view=VIEW, y=0.0, is_cut=True, reason=None)


def _events() -> pd.DataFrame:
    rows = [
        (VIEW, NOW, "segment", number, "kept", number, 0.9)
        for number, *_ in SEGMENTS
        if number != 7
    ]
    rows += [(VIEW, NOW, "segment", 7, "born", 3, 0.4), (VIEW, NOW, "segment", 6, "died", 7, 0.7)]
    return pd.DataFrame(
        rows,
        columns=[
            "view",
            "as_of_date",
            "level",
            "segment_id",
            "event",
            "other_segment_id",
            "overlap",
        ],
    )


def _migrations() -> pd.DataFrame:
    rows = [(number, number, "none", size - 30) for number, _, _, size, _, _ in SEGMENTS]
    rows += [
        (1, 2, "customer", 18),
        (2, 1, "customer", 12),
        (3, 7, "model", 34),
        (2, 3, "customer", 15),
    ]
    rows += [
        (4, 5, "customer", 11),
        (5, 4, "model", 10),
        (7, 3, "customer", 14),
        (0, 7, "customer", 16),
        (6, 7, "model", 24),
    ]
    frame = pd.DataFrame(rows, columns=["from_segment_id", "to_segment_id", "cause", "customers"])
    return frame.assign(
        as_of_date=NOW, previous_as_of_date=BEFORE, is_backcast=False, is_withheld=False
    )


def _rules() -> pd.DataFrame:
    told = {
        1: ("the average order value is above 140 €", "le panier moyen dépasse 140 €"),
        2: ("articles per order are above 3", "il y a plus de 3 articles par commande"),
        3: ("the discount rate is above 15 %", "le taux de remise dépasse 15 %"),
        4: (
            "over half is bought before Christmas",
            "plus de la moitié des achats se fait avant Noël",
        ),
        5: ("over half is bought in summer", "plus de la moitié des achats se fait en été"),
        7: ("nearly all is bought on the web", "presque tout est acheté sur le web"),
    }
    rows = [
        (VIEW, leaf, number, *told[number], 100, 0.93, 0.81, 0.89, 0.19)
        for leaf, number in enumerate(told, 1)
    ]
    columns = [
        "view",
        "leaf",
        "segment_id",
        "rule_en",
        "rule_fr",
        "customers",
        "precision",
        "recall",
        "fidelity",
        "majority_share",
    ]
    return pd.DataFrame(rows, columns=columns)


def _crosstab(draw: np.random.Generator) -> pd.DataFrame:
    rows = []
    for number, name, *_ in SEGMENTS:
        for rfm, french in RFM:
            rows.append(
                ("segment", name, number, "rfm_segment", rfm, french, int(draw.integers(8, 60)))
            )
    columns = [
        "left_attribute",
        "left_value",
        "left_segment_id",
        "right_attribute",
        "right_value",
        "right_value_fr",
        "customers",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    frame["customers"] = frame["customers"].where(frame["customers"] >= 10)
    return frame


def _associations() -> pd.DataFrame:
    rows = [
        (
            "segment",
            "rfm_segment",
            "RFM segment",
            "Segment RFM",
            0.31,
            0.0,
            "A strong link.",
            "Un lien fort.",
        ),
        (
            "segment",
            "lifecycle",
            "Lifecycle",
            "Étape de vie",
            0.17,
            0.0,
            "A clear link.",
            "Un lien net.",
        ),
        (
            "segment",
            "gender",
            "Gender",
            "Genre",
            0.02,
            0.4,
            "No difference beyond chance.",
            "Aucune différence au-delà du hasard.",
        ),
    ]
    columns = [
        "left_attribute",
        "right_attribute",
        "right_label_en",
        "right_label_fr",
        "cramers_v",
        "p_value",
        "reading_en",
        "reading_fr",
    ]
    return pd.DataFrame(rows, columns=columns)


def _loadings(draw: np.random.Generator) -> pd.DataFrame:
    rows = []
    for place, (feature, (label, french, *_)) in enumerate(FEATURES.items()):
        for factor in (1, 2, 3):
            loading = (
                0.8 - 0.02 * place if place % 3 == factor - 1 else float(draw.uniform(-0.25, 0.25))
            )
            rows.append(
                (VIEW, feature, factor, label, french, loading, [0.31, 0.2, 0.12][factor - 1], True)
            )
    columns = [
        "view",
        "feature",
        "factor",
        "feature_label",
        "feature_label_fr",
        "loading",
        "variance_share",
        "used_for_clustering",
    ]
    return pd.DataFrame(rows, columns=columns)


def _projection(draw: np.random.Generator) -> pd.DataFrame:
    rows = []
    for place, (number, name, french, size, *_) in enumerate(SEGMENTS):
        angle = 2 * np.pi * place / len(SEGMENTS)
        for _ in range(size // 2):
            x, y = draw.normal(size=2)
            rows.append(
                (
                    VIEW,
                    number,
                    name,
                    french,
                    2.2 * np.cos(angle) + x,
                    1.6 * np.sin(angle) + y,
                    22 * np.cos(angle) + 5 * x,
                    20 * np.sin(angle) + 5 * y,
                )
            )
    columns = ["view", "segment_id", "segment", "segment_fr", "pca_1", "pca_2", "tsne_1", "tsne_2"]
    frame = pd.DataFrame(rows, columns=columns).assign(
        pca_1_explained=0.24,
        pca_2_explained=0.17,
        pca_trustworthiness=0.83,
        tsne_trustworthiness=0.97,
    )
    frame.insert(1, "customer_key", [f"secret-key-{n:05d}" for n in range(len(frame))])
    return frame


if __name__ == "__main__":
    write(Path(sys.argv[1]))
