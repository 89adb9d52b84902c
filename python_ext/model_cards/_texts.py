"""Every sentence of the cards, in English and in French."""

from python_ext.model_cards import _texts_of_figures, _texts_of_limits

TEXTS: dict[str, tuple[str, str]] = {
    # Page
    "cards_title": (
        "What our scores can and cannot say",
        "Ce que nos scores disent, et ne disent pas",
    ),
    "cards_kicker": ("Model cards", "Fiches des modèles"),
    "cards_colophon": (
        "Made from the published marts alone; it names no customer and asks nothing of any "
        "network. "
        "Groups of fewer than {floor} customers are not shown. Figures in brackets are 95 % "
        "intervals. Reasons in quotation marks are those of the registry, word for word.",
        "Établi à partir des seules tables publiées ; cette page ne contient aucun client et "
        "n'interroge aucun réseau. Les groupes de moins de {floor} clients ne sont pas montrés. "
        "Les "
        "chiffres entre crochets sont des intervalles à 95 %. Les raisons entre guillemets sont "
        "celles du registre, mot pour mot (en anglais).",
    ),
    "told_scores_one": ("{n} score is given", "{n} score est établi"),
    "told_scores_many": ("{n} scores are given", "{n} scores sont établis"),
    "told_quiet": ("no alarm is open", "aucune alerte n'est ouverte"),
    "told_alarms_one": ("{n} of them has an alarm open", "{n} d'entre eux a une alerte ouverte"),
    "told_alarms_many": (
        "{n} of them have an alarm open",
        "{n} d'entre eux ont une alerte ouverte",
    ),
    "told_value": (
        "Customers are expected to bring {total} in the coming horizon.",
        "Les clients devraient apporter {total} sur l'horizon à venir.",
    ),
    "overview": ("All scores at a glance", "Tous les scores d'un coup d'œil"),
    "overview_lead": (
        "Every figure is out of time: of customers at a later date than the models learned from.",
        "Chaque chiffre est hors période : sur des clients observés après ce qu'ont appris les "
        "modèles.",
    ),
    "no_targets": ("There is no active target.", "Il n'y a aucune cible active."),
    "target": ("Score", "Score"),
    "champion": ("Champion", "Champion"),
    "auc_interval": ("AUC", "AUC"),
    "recency_alone": ("AUC of recency alone", "AUC de la récence seule"),
    "lift": ("Lift, top tenth", "Lift, premier dixième"),
    "calibration": ("Do probabilities come true?", "Les probabilités se réalisent-elles ?"),
    "decision": ("This run", "Ce calcul"),
    "alarms": ("Alarms", "Alertes"),
    "none": ("none", "aucune"),
    "no_champion": ("no model", "aucun modèle"),
    "value_row": ("Customer value", "Valeur client"),
    # Decisions
    "decision_kept": ("kept", "conservé"),
    "decision_first": ("trained", "entraîné"),
    "decision_promoted": ("promoted", "promu"),
    "decision_refused": ("challenger refused", "challenger refusé"),
    "decision_rolled_back": ("rolled back", "retour arrière"),
    "decision_not_trained": ("not trained", "non entraîné"),
    "told_kept": (
        "In this run nothing asked for training: the stored champion scores on, and was judged "
        "anew.",
        "Dans ce calcul rien n'exigeait d'entraînement : le champion enregistré continue de noter, "
        "et a été rejugé.",
    ),
    "told_first": (
        "The champion was trained in this run; there was none to compare it with.",
        "Le champion a été entraîné dans ce calcul ; il n'y en avait pas auquel le comparer.",
    ),
    "told_promoted": (
        "The champion was trained in this run and promoted: it beats the one before it beyond "
        "noise.",
        "Le champion a été entraîné dans ce calcul et promu : il bat le précédent au-delà du "
        "hasard.",
    ),
    "told_refused": (
        "Models were trained in this run, and none was better beyond noise: the champion stays.",
        "Des modèles ont été entraînés dans ce calcul, aucun n'est meilleur au-delà du hasard : le "
        "champion reste.",
    ),
    "told_rolled_back": (
        "The model in use was taken back by hand; the one before it scores again.",
        "Le modèle en service a été retiré à la main ; le précédent note de nouveau.",
    ),
    "told_not_trained": (
        "No model was trained in this run.",
        "Aucun modèle n'a été entraîné dans ce calcul.",
    ),
    "no_model": (
        "No model was trained for this target, and nobody has this score: a source is off, or "
        "there "
        "is too little history.",
        "Aucun modèle n'a été entraîné pour cette cible, et personne n'a ce score : une source est "
        "désactivée, ou l'historique est trop court.",
    ),
    "prevalence_only": (
        "Everybody has the same probability: too little is known to judge a model, or none "
        "predicts "
        "better (the reason is recorded below). Do not rank customers by this score.",
        "Tous ont la même probabilité : on en sait trop peu pour juger un modèle, ou aucun ne "
        "prédit "
        "mieux (la raison est enregistrée ci-dessous). Ne pas classer les clients par ce score.",
    ),
    "recorded": ("Recorded reason:", "Raison enregistrée :"),
    # Why
    "why": ("Who gives the score, and why", "Qui donne le score, et pourquoi"),
    "champion_is": (
        "Champion: {algorithm} (model {model}), trained on {trained}.",
        "Champion : {algorithm} (modèle {model}), entraîné le {trained}.",
    ),
    "no_challenger": (
        "No challenger was trained beside it in this run.",
        "Aucun challenger n'a été entraîné à côté de lui dans ce calcul.",
    ),
    "challenger_is": (
        "Challenger: {algorithm} (model {model}), AUC {auc} against {champion}.",
        "Challenger : {algorithm} (modèle {model}), AUC {auc} contre {champion}.",
    ),
    "retired_is": (
        "Champion until this run: {algorithm} (model {model}), AUC {auc} against {champion}.",
        "Champion jusqu'à ce calcul : {algorithm} (modèle {model}), AUC {auc} contre {champion}.",
    ),
    # About
    "about": ("What it predicts, and of whom", "Ce qu'il prédit, et de qui"),
    "eligible": ("Asked about", "Sur qui"),
    "condition": ("As a condition at the cutoff", "Condition à la date d'arrêté"),
    "horizon": ("Within", "Dans les"),
    "days": ("{n} days", "{n} jours"),
    "cost_gain": ("Cost of a contact · gain of a hit", "Coût d'un contact · gain d'un succès"),
    "pays_over": ("A contact pays over", "Un contact est rentable au-dessus de"),
    "no_cost": ("not known", "inconnus"),
    "eligibility_any_buyer": ("whoever has bought", "quiconque a acheté"),
    "eligibility_bought_once": (
        "whoever has bought on one day only",
        "quiconque n'a acheté qu'un seul jour",
    ),
    "eligibility_bought_again": (
        "whoever has bought on two days or more",
        "quiconque a acheté au moins deux jours",
    ),
    "eligibility_in_rhythm": (
        "whoever buys at least once per horizon, and has done so lately",
        "quiconque achète au moins une fois par horizon, et l'a fait récemment",
    ),
    "eligibility_overdue": (
        "whoever is later than their own rhythm",
        "quiconque est en retard sur son propre rythme",
    ),
    "eligibility_mailable": (
        "whoever received an e-mail within a year",
        "quiconque a reçu un e-mail dans l'année",
    ),
    "eligibility_web_visitor": (
        "whoever visited the site within a year",
        "quiconque a visité le site dans l'année",
    ),
    # Use
    "use": ("What it is for", "À quoi il sert"),
    "misuse": ("What it must not be used for", "À quoi il ne doit pas servir"),
    "use_rank": (
        "To choose whom to contact: the most likely first.",
        "Choisir qui contacter : les plus probables d'abord.",
    ),
    "use_rank_loss": (
        "To choose whom to hold: those most likely to leave first.",
        "Choisir qui retenir : ceux qui partent le plus probablement d'abord.",
    ),
    "use_threshold": (
        "To stop where a contact no longer pays: over {over}, which was {share} of the customers "
        "judged.",
        "S'arrêter là où un contact n'est plus rentable : au-dessus de {over}, soit {share} des "
        "clients jugés.",
    ),
    "use_threshold_all": (
        "To see whether a contact pays: it does over {over}.",
        "Voir si un contact est rentable : il l'est au-dessus de {over}.",
    ),
    "use_sum": (
        "To plan with sums: the probabilities of a group add up to the number to be expected.",
        "Planifier avec des sommes : les probabilités d'un groupe s'additionnent en nombre "
        "attendu.",
    ),
    "not_effect": (
        "To say what a contact changes. It says what happens, not what happens because of you; "
        "only "
        "a test with a group left alone says that.",
        "Dire ce qu'un contact change. Il dit ce qui arrive, pas ce qui arrive grâce à vous ; seul "
        "un test avec un groupe témoin le dit.",
    ),
    "not_decisions": (
        "To set prices, grant credit, refuse service, or decide anything that weighs on a person.",
        "Fixer des prix, accorder un crédit, refuser un service, ou décider de quoi que ce soit "
        "qui "
        "pèse sur une personne.",
    ),
    "not_others": (
        "For customers it was not asked about, or for longer than {days} days.",
        "Pour des clients hors de son champ, ou au-delà de {days} jours.",
    ),
    "not_cause": (
        "To learn causes from: a feature that matters goes along with the outcome, and need not "
        "bring it about.",
        "En tirer des causes : une variable qui compte accompagne le résultat, sans forcément le "
        "provoquer.",
    ),
    # Data
    "data": ("What it learned from", "Ce dont il a appris"),
    "learned_from": ("Learned from", "Appris sur"),
    "learned_rows": ("{n} rows of customer and cutoff", "{n} lignes client et date d'arrêté"),
    "learned_cutoffs_one": ("({n} cutoff, {first})", "({n} date d'arrêté, {first})"),
    "learned_cutoffs_many": (
        "({n} cutoffs, {first} to {last})",
        "({n} dates d'arrêté, du {first} au {last})",
    ),
    "judged_on": ("Judged on", "Jugé sur"),
    "judged_rows": (
        "{n} customers as of {day}, by what they did until {end}",
        "{n} clients au {day}, d'après ce qu'ils ont fait jusqu'au {end}",
    ),
    "trained_on": ("Trained on", "Entraîné le"),
    "promoted_on": ("Champion since", "Champion depuis"),
    "data_fingerprint": ("Fingerprint of the data", "Empreinte des données"),
    "code_fingerprint": ("Fingerprint of the code", "Empreinte du code"),
    "artefact_sha256": ("Fingerprint of the model", "Empreinte du modèle"),
    # Algorithms
    "algorithm_logistic_regression": ("logistic regression", "régression logistique"),
    "algorithm_decision_tree": ("decision tree", "arbre de décision"),
    "algorithm_random_forest": ("random forest", "forêt aléatoire"),
    "algorithm_gradient_boosting": ("gradient boosting", "gradient boosting"),
    "algorithm_neural_network": ("neural network", "réseau de neurones"),
    "algorithm_prevalence": ("the same for everybody", "la même pour tous"),
    "algorithm_recency_alone": ("recency alone", "récence seule"),
    **_texts_of_figures.TEXTS,
    **_texts_of_limits.TEXTS,
}
