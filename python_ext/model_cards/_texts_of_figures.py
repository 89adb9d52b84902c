"""Sentences about figures, pictures, groups and change, in English and in French."""

TEXTS: dict[str, tuple[str, str]] = {
    "between": ("{words} ({low} to {high})", "{words} ({low} à {high})"),
    "short_auc": ("AUC out of time", "AUC hors période"),
    "short_lift_top_decile": ("times the average in the top tenth", "fois la moyenne, 1er dixième"),
    "happened_of": (
        "of those judged it happened; {predicted} was predicted",
        "des clients jugés : c'est arrivé ; {predicted} prédit",
    ),
    "scored_now": ("customers scored, mean {mean}", "clients notés, moyenne {mean}"),
    "calibration_unknown": ("not judged", "non jugé"),
    "calibration_holds": ("yes, within noise", "oui, au hasard près"),
    "calibration_high": (
        "too high in {off} of {bins} ranges",
        "trop hautes dans {off} tranches sur {bins}",
    ),
    "calibration_low": (
        "too low in {off} of {bins} ranges",
        "trop basses dans {off} tranches sur {bins}",
    ),
    "calibration_both": (
        "off both ways in {off} of {bins} ranges",
        "fausses dans les deux sens dans {off} tranches sur {bins}",
    ),
    "alarm_decay_one": ("{n} figure decayed", "{n} chiffre dégradé"),
    "alarm_decay_many": ("{n} figures decayed", "{n} chiffres dégradés"),
    "alarm_drift_major_one": ("{n} major drift", "{n} dérive majeure"),
    "alarm_drift_major_many": ("{n} major drifts", "{n} dérives majeures"),
    "alarm_drift_moderate_one": ("{n} moderate drift", "{n} dérive modérée"),
    "alarm_drift_moderate_many": ("{n} moderate drifts", "{n} dérives modérées"),
    "alarm_calibration_one": ("{n} range off", "{n} tranche fausse"),
    "alarm_calibration_many": ("{n} ranges off", "{n} tranches fausses"),
    "alarm_groups_one": ("{n} group served worse", "{n} groupe moins bien servi"),
    "alarm_groups_many": ("{n} groups served worse", "{n} groupes moins bien servis"),
    # Figures
    "figures_of": ("How good it is", "Ce qu'il vaut"),
    "figure": ("Figure", "Chiffre"),
    "column_champion": ("Champion, out of time", "Champion, hors période"),
    "column_challenger": ("Challenger", "Challenger"),
    "column_recency_alone": ("Recency alone", "Récence seule"),
    "column_prevalence": ("Same for everybody", "La même pour tous"),
    "column_random_split": ("Champion, random split", "Champion, découpage au hasard"),
    "metric_auc": ("AUC", "AUC"),
    "metric_average_precision": ("Average precision", "Précision moyenne"),
    "metric_log_loss": ("Log loss (lower is better)", "Perte log. (plus bas = mieux)"),
    "metric_brier": ("Brier score (lower is better)", "Score de Brier (plus bas = mieux)"),
    "metric_expected_calibration_error": ("Calibration error", "Erreur de calibration"),
    "metric_calibration_error_debiased": (
        "Calibration error, freed of chance",
        "Erreur de calibration, hors hasard",
    ),
    "metric_lift_top_decile": ("Lift in the top tenth", "Lift du premier dixième"),
    "metric_gain_top_decile": ("Hits in the top tenth", "Succès dans le premier dixième"),
    "metric_precision": ("Precision where a contact pays", "Précision, contacts rentables"),
    "metric_recall": ("Recall where a contact pays", "Rappel, contacts rentables"),
    "metric_f1": ("F1 where a contact pays", "F1, contacts rentables"),
    "metric_profit_per_customer": ("Profit per 1,000 customers", "Profit pour 1 000 clients"),
    "beside_recency": (
        "Out of time the AUC is {auc}; recency alone gives {simple}.",
        "Hors période l'AUC est de {auc} ; la récence seule donne {simple}.",
    ),
    "random_higher": (
        "A random split would have promised {random}: {gap} more than holds at a later date.",
        "Un découpage au hasard aurait promis {random} : {gap} de plus que ce qui tient plus tard.",
    ),
    "random_not_higher": (
        "A random split would have shown {random}: it promises no more than holds at a later date.",
        "Un découpage au hasard aurait montré {random} : pas plus que ce qui tient plus tard.",
    ),
    # Pictures
    "pictures": ("The same in pictures", "La même chose en images"),
    "reliability": ("Predicted and actual", "Prédit et réel"),
    "reliability_hint": (
        "On the dashed line a probability comes true. Orange: off, beyond chance.",
        "Sur la ligne pointillée, la probabilité se réalise. Orange : fausse, hasard exclu.",
    ),
    "reliability_axis": ("predicted", "prédit"),
    "gains": ("Share of the hits reached", "Part des succès atteinte"),
    "gains_hint": (
        "Contacting the most likely first; the dashed line is chance.",
        "En contactant les plus probables d'abord ; en pointillé, le hasard.",
    ),
    "gains_axis": ("customers contacted", "clients contactés"),
    "profits": ("Profit", "Profit"),
    "profits_hint": (
        "Blue: what contacting them would have earned (95 % band). Dashed: what was promised.",
        "Bleu : ce qu'aurait rapporté le contact (bande à 95 %). Pointillé : ce qui était promis.",
    ),
    "profits_axis": ("customers contacted", "clients contactés"),
    "decay": ("AUC from run to run", "AUC d'un calcul à l'autre"),
    "decay_hint": (
        "Each run judges the champion on customers whose outcome is known by then.",
        "Chaque calcul juge le champion sur des clients dont l'issue est alors connue.",
    ),
    "decay_axis": ("as-of date of the run", "date du calcul"),
    "bin_tip": (
        "{customers} customers: {predicted} predicted, {actual} happened",
        "{customers} clients : {predicted} prédit, {actual} réel",
    ),
    "gain_tip": ("The first {share} hold {gain} of the hits", "{share} : {gain} des succès"),
    "stop_here": ("pays up to {share}", "rentable jusqu'à {share}"),
    # Features
    "features": ("What it looks at", "Ce qu'il regarde"),
    "features_note": (
        "How much worse the log loss gets when the values of a feature change places between "
        "customers, with its 95 % interval. Features that say the same share it. {used} features "
        "are "
        "used, {out} were looked at and left out.",
        "De combien la perte logarithmique empire quand les valeurs d'une variable changent de "
        "place "
        "entre clients, avec son intervalle à 95 %. Les variables qui disent la même chose se la "
        "partagent. {used} variables utilisées, {out} examinées et écartées.",
    ),
    "feature": ("Features", "Variables"),
    "left_out": ("What was left out, and why", "Ce qui est écarté, et pourquoi"),
    "left_out_because": ("Left out because", "Écartées parce que"),
    "direction_raises": ("higher raises it", "plus haut, plus probable"),
    "direction_lowers": ("higher lowers it", "plus haut, moins probable"),
    "direction_mixed": ("depends", "selon le cas"),
    "direction_none": ("no one direction", "pas de sens net"),
    # Groups
    "groups": ("For whom it is less good", "Pour qui il est moins bon"),
    "no_groups": (
        "Nobody looked by group: no attribute tells these customers apart.",
        "Aucun examen par groupe : aucun attribut ne distingue ces clients.",
    ),
    "groups_looked": (
        "Looked at by {by}: {n} groups were large enough to judge, {small} too small.",
        "Examiné par {by} : {n} groupes assez grands pour être jugés, {small} trop petits.",
    ),
    "groups_even": (
        "In none of them is anything notably wrong beyond noise.",
        "Dans aucun d'eux rien n'est notablement faux au-delà du hasard.",
    ),
    "group": ("Group", "Groupe"),
    "made_by": ("By", "Selon"),
    "predicted": ("Predicted", "Prédit"),
    "happened": ("Happened", "Réel"),
    "promised": ("AUC promised", "AUC promise"),
    "selected": ("Selected", "Retenus"),
    # Change
    "change": ("Since then: drift and decay", "Depuis : dérive et usure"),
    "no_drift_yet": (
        "There is nothing earlier to compare its features with.",
        "Il n'y a rien d'antérieur avec quoi comparer ses variables.",
    ),
    "no_drift": (
        "Of {n} steps of its features and its score none has drifted; {usual} moved no more than "
        "usual, or cannot be told from the season.",
        "Sur {n} comparaisons de ses variables et de son score, aucune n'a dérivé ; {usual} ont "
        "bougé "
        "comme d'habitude, ou ne se distinguent pas de la saison.",
    ),
    "drift_major": (
        "Major drift of {feature} {comparison}: PSI {psi}, where chance gives {critical}.",
        "Dérive majeure de « {feature} » {comparison} : PSI {psi}, le hasard donne {critical}.",
    ),
    "drift_moderate": (
        "Moderate drift of {feature} {comparison}: PSI {psi}, where chance gives {critical}.",
        "Dérive modérée de « {feature} » {comparison} : PSI {psi}, le hasard donne {critical}.",
    ),
    "comparison_cutoffs": ("since the last cutoff", "depuis la dernière date d'arrêté"),
    "comparison_builds": ("since the last build", "depuis le dernier calcul"),
    "decay_at_promotion": (
        "Champion since {day}: there is no later figure to compare with yet (AUC {value}).",
        "Champion depuis le {day} : pas encore de chiffre ultérieur à comparer (AUC {value}).",
    ),
    "decay_as_before": (
        "AUC {value}, {before} at promotion on {day}: within noise ({noise}).",
        "AUC {value}, {before} à la promotion le {day} : dans le bruit ({noise}).",
    ),
    "decay_decayed": (
        "Decayed: AUC {value}, {before} at promotion on {day}; noise explains {noise}.",
        "Usé : AUC {value}, {before} à la promotion le {day} ; le bruit explique {noise}.",
    ),
    "decay_improved": (
        "AUC {value}, better than {before} at promotion on {day}.",
        "AUC {value}, mieux que {before} à la promotion le {day}.",
    ),
    "decay_unknown": (
        "AUC {value}, {before} at promotion on {day}; too few cases to say whether that is noise.",
        "AUC {value}, {before} à la promotion le {day} ; trop peu de cas pour dire si c'est du "
        "bruit.",
    ),
}
