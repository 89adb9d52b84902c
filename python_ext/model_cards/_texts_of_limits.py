"""Sentences about limits and about customer value, in English and in French."""

TEXTS: dict[str, tuple[str, str]] = {
    "limits": ("Its limits", "Ses limites"),
    "limit_season": (
        "It does not look at the season ahead: what every year brings then it cannot foresee.",
        "Il ne regarde pas la saison à venir : ce qui revient chaque année à cette période, il ne "
        "peut le prévoir.",
    ),
    "limit_one_window": (
        "It was judged on one window, from {day}: another season may treat it better or worse.",
        "Il est jugé sur une seule période, à partir du {day} : une autre saison peut lui être "
        "plus "
        "ou moins favorable.",
    ),
    "limit_season_more": (
        "In the window judged more happened than it foresaw ({actual}, predicted {predicted}): the "
        "order of the customers holds better than the level.",
        "Sur la période jugée il est arrivé plus que prévu ({actual}, prédit {predicted}) : "
        "l'ordre "
        "des clients tient mieux que le niveau.",
    ),
    "limit_season_less": (
        "In the window judged less happened than it foresaw ({actual}, predicted {predicted}): the "
        "order of the customers holds better than the level.",
        "Sur la période jugée il est arrivé moins que prévu ({actual}, prédit {predicted}) : "
        "l'ordre "
        "des clients tient mieux que le niveau.",
    ),
    "limit_wide": (
        "With {rows} customers judged, its AUC is only known to lie between {low} and {high}.",
        "Avec {rows} clients jugés, on sait seulement que son AUC est entre {low} et {high}.",
    ),
    "limit_recency": (
        "It is not better than recency alone beyond noise.",
        "Il n'est pas meilleur que la récence seule au-delà du hasard.",
    ),
    "limit_split": (
        "It loses {gap} of AUC from a random split to a later date: customers change with time.",
        "Il perd {gap} d'AUC entre un découpage au hasard et une date ultérieure : les clients "
        "changent avec le temps.",
    ),
    "bin_range": ("{low} to {high} was {actual}", "{low} à {high} : {actual} en réalité"),
    "limit_off": (
        "These probabilities did not come true: {ranges}.",
        "Ces probabilités ne se sont pas réalisées : {ranges}.",
    ),
    "limit_chance": (
        "With {rows} customers a calibration error of {chance} would show by chance alone; a "
        "smaller "
        "one cannot be seen.",
        "Avec {rows} clients, le hasard seul montrerait une erreur de calibration de {chance} ; "
        "une "
        "erreur moindre ne se voit pas.",
    ),
    "limit_no_cost": (
        "What a contact costs or gains is not known, so it cannot say where to stop.",
        "Le coût ou le gain d'un contact est inconnu : il ne peut pas dire où s'arrêter.",
    ),
    "limit_small_one": (
        "{n} group is too small to say whether it is served worse.",
        "{n} groupe est trop petit pour dire s'il est moins bien servi.",
    ),
    "limit_small_many": (
        "{n} groups are too small to say whether they are served worse.",
        "{n} groupes sont trop petits pour dire s'ils sont moins bien servis.",
    ),
    "limit_no_groups": (
        "Whether some groups are served worse is not known.",
        "On ignore si certains groupes sont moins bien servis.",
    ),
    "limit_alive": (
        "It rests on lifetime models, which call a customer who bought once alive for certain; "
        "that "
        "is an assumption, and no observation.",
        "Il s'appuie sur des modèles de durée de vie, pour lesquels un client ayant acheté une "
        "fois "
        "est actif avec certitude ; c'est une hypothèse, pas une observation.",
    ),
    "limit_unjudged_one": (
        "{n} movement of its features cannot be told from the season, for want of a year of "
        "history.",
        "{n} mouvement de ses variables ne se distingue pas de la saison, faute d'un an "
        "d'historique.",
    ),
    "limit_unjudged_many": (
        "{n} movements of its features cannot be told from the season, for want of a year of "
        "history.",
        "{n} mouvements de ses variables ne se distinguent pas de la saison, faute d'un an "
        "d'historique.",
    ),
    "limit_mixed": (
        "These weigh both ways, depending on the rest: {names}. One customer's drivers say more.",
        "Celles-ci pèsent dans les deux sens, selon le reste : {names}. Les facteurs d'un client "
        "en "
        "disent plus.",
    ),
    # Value
    "value_title": ("Customer value", "Valeur client"),
    "value_lead": (
        "What customers are expected to spend in the coming horizon, and over their lifetime.",
        "Ce que les clients devraient dépenser sur l'horizon à venir, et sur leur vie de client.",
    ),
    "no_value_model": (
        "No model of customer value was fitted.",
        "Aucun modèle de valeur client n'a été ajusté.",
    ),
    "total_expected": ("net revenue expected in the horizon", "CA net attendu sur l'horizon"),
    "valued": ("customers", "clients"),
    "mean_expected": ("per customer", "par client"),
    "value_champion": (
        "Champion for the revenue of the horizon: {model}, trained on {trained}.",
        "Champion pour le chiffre d'affaires de l'horizon : {model}, entraîné le {trained}.",
    ),
    "value_model_bg_nbd": ("BG/NBD", "BG/NBD"),
    "value_model_pareto_nbd": ("Pareto/NBD (a check)", "Pareto/NBD (contrôle)"),
    "value_model_gamma_gamma": ("Gamma-Gamma", "Gamma-Gamma"),
    "value_model_bg_nbd_gamma_gamma": ("BG/NBD × Gamma-Gamma", "BG/NBD × Gamma-Gamma"),
    "value_model_two_stage_boosting": ("Two-stage boosting", "Boosting en deux étapes"),
    "parameters": ("Parameters", "Paramètres"),
    "parameters_note": (
        "By maximum likelihood, times in weeks; standard errors from the observed information.",
        "Par maximum de vraisemblance, temps en semaines ; erreurs types par l'information "
        "observée.",
    ),
    "model": ("Model", "Modèle"),
    "parameter": ("Parameter", "Paramètre"),
    "value": ("Value", "Valeur"),
    "error": ("Standard error", "Erreur type"),
    "likelihood": ("Log-likelihood", "Log-vraisemblance"),
    "not_converged": ("not converged", "non convergé"),
    "warnings": ("What the fits warn of", "Ce dont les ajustements avertissent"),
    "holdout": ("Purchases expected and actual", "Achats attendus et réels"),
    "holdout_note": (
        "Fitted on what was known before the test cutoff: mean days with a purchase in the horizon "
        "after it, by repeat purchases before it (BG/NBD).",
        "Ajusté sur ce qui était connu avant la date de test : jours d'achat moyens sur l'horizon "
        "suivant, selon les réachats antérieurs (BG/NBD).",
    ),
    "expected": ("Expected", "Attendu"),
    "frequency": ("Repeat purchases", "Réachats"),
    "frequency_axis": ("repeat purchases before", "réachats auparavant"),
    "comparison": ("Against the two-stage model", "Face au modèle en deux étapes"),
    "amount_deviance": (
        "Deviance (lower is better; decides)",
        "Déviance (plus bas = mieux ; décide)",
    ),
    "amount_mae": ("Mean absolute error", "Erreur absolue moyenne"),
    "amount_rmse": ("Root mean square error", "Erreur quadratique moyenne"),
    "amount_gini": ("Gini, of the best possible", "Gini, sur le meilleur possible"),
    "amount_rank_correlation": ("Rank correlation", "Corrélation des rangs"),
    "amount_bias": ("Bias of the total", "Biais du total"),
    "amount_top_decile_share": (
        "Revenue held by the top tenth",
        "CA détenu par le premier dixième",
    ),
    "amount_mean_actual": ("Mean, actual", "Moyenne réelle"),
    "amount_mean_predicted": ("Mean, predicted", "Moyenne prédite"),
    "expected_total": ("Expected in all", "Attendu au total"),
    "actual_total": ("Came in all", "Réalisé au total"),
    "total_ratio": ("Expected over came", "Attendu sur réalisé"),
    "limit_alive_value": (
        "P(alive) of a customer who bought once is 1 by construction of BG/NBD: read it as not "
        "known.",
        "La P(actif) d'un client ayant acheté une fois vaut 1 par construction du BG/NBD : la lire "
        "comme inconnue.",
    ),
    "limit_holdout": (
        "After the test cutoff customers with {groups} repeat purchases bought more or less often "
        "than BG/NBD expected, beyond their intervals.",
        "Après la date de test, les clients à {groups} réachats ont acheté plus ou moins souvent "
        "que ne l'attendait le BG/NBD, au-delà des intervalles.",
    ),
    "limit_bias_high": (
        "On the test cutoff the champion expected {bias} too much in all, beyond noise.",
        "À la date de test, le champion attendait {bias} de trop au total, au-delà du hasard.",
    ),
    "limit_bias_low": (
        "On the test cutoff the champion expected {bias} too little in all, beyond noise.",
        "À la date de test, le champion attendait {bias} de trop peu au total, au-delà du hasard.",
    ),
}
