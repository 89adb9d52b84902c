"""What the page says of trust, choice, change and cautions, in English and in French."""

TEXTS: dict[str, tuple[str, str]] = {
    # Stability
    "stability": ("How far to trust them", "Jusqu'où s'y fier"),
    "stability_lead": (
        "Each segmentation was made again from resampled customers. 1 would be the same segment "
        "every time; under 0.60 it dissolves, over 0.75 it holds.",
        "Chaque segmentation a été refaite à partir de clients rééchantillonnés. 1 serait le même "
        "segment à chaque fois ; sous 0,60 il se dissout, au-dessus de 0,75 il tient.",
    ),
    "measure": ("Measure", "Mesure"),
    "whole": ("Whole segmentation", "Segmentation entière"),
    "value": ("Value", "Valeur"),
    "verdict": ("Verdict", "Verdict"),
    "measure_bootstrap_rand": (
        "Made again from other samples",
        "Refaite sur d'autres échantillons",
    ),
    "measure_seed_rand": ("Made again from another start", "Refaite depuis un autre départ"),
    "measure_without_feature_lowest": (
        "Without the feature that is missed most",
        "Sans la caractéristique qui manque le plus",
    ),
    "measure_without_group_lowest": (
        "Without the group of features that is missed most",
        "Sans le groupe de caractéristiques qui manque le plus",
    ),
    "measure_refit_rand": (
        "Made anew on the customers of one period before",
        "Refaite sur les clients de la période précédente",
    ),
    "measure_customers_rand": (
        "The same customers, one period apart",
        "Les mêmes clients, à une période d'écart",
    ),
    "measure_customers_stay": (
        "Share of customers who stay where they are",
        "Part des clients qui restent où ils sont",
    ),
    # Choice
    "choice": ("Why this number", "Pourquoi ce nombre"),
    "choice_lead": (
        "Every candidate by the indices. A filled dot was admissible, a hollow one was rejected; "
        "the dark line marks the choice. In colour the algorithm that was chosen, in grey the "
        "others.",
        "Chaque candidat selon les indices. Point plein : recevable ; point creux : rejeté ; la "
        "ligne foncée marque le choix. En couleur l'algorithme retenu, en gris les autres.",
    ),
    "number_of_segments": ("Number of segments", "Nombre de segments"),
    "silhouette": ("Silhouette", "Silhouette"),
    "silhouette_hint": ("how clearly apart, up to 1", "netteté des groupes, jusqu'à 1"),
    "gap": ("Gap statistic", "Statistique gap"),
    "gap_hint": ("clearer than chance", "plus net que le hasard"),
    "stability_min": ("Least stable segment", "Segment le moins stable"),
    "stability_min_hint": ("recurrence, 0.60 is asked", "récurrence, 0,60 exigé"),
    "smallest_share": ("Smallest segment", "Plus petit segment"),
    "smallest_share_hint": ("share of customers", "part des clients"),
    "candidate": ("Candidate", "Candidat"),
    "votes": ("Votes", "Voix"),
    "admissible": ("Admissible", "Recevable"),
    "yes": ("yes", "oui"),
    "no": ("no", "non"),
    "chosen": ("chosen", "retenu"),
    "given_up": ("What was given up", "Ce à quoi on a renoncé"),
    "finer": ("What more segments would cost", "Ce que coûteraient plus de segments"),
    "finer_line": (
        "{candidate}: silhouette {silhouette} against {chosen}; the least stable segment recurs at "
        "{stability}, where 0.60 is asked.",
        "{candidate} : silhouette {silhouette} contre {chosen} ; le segment le moins stable "
        "revient à {stability}, pour 0,60 exigé.",
    ),
    "given_up_line": (
        "{candidate}, next in the order ({votes} votes): silhouette {silhouette} against {chosen}, "
        "least stable segment {stability}.",
        "{candidate}, suivant dans l'ordre ({votes} voix) : silhouette {silhouette} contre "
        "{chosen}, segment le moins stable {stability}.",
    ),
    "candidate_words": ("{k} segments by {algorithm}", "{k} segments par {algorithm}"),
    # Flows
    "flows": ("Who moved", "Qui a changé"),
    "flows_lead": (
        "From the last date to this one. Strong bands: the customer changed. Hatched bands: the "
        "customer stayed the same and the model changed. Figures are rounded.",
        "De la date précédente à celle-ci. Bandes pleines : le client a changé. Bandes hachurées : "
        "le client est resté le même et le modèle a changé. Les chiffres sont arrondis.",
    ),
    "flows_lead_backcast": (
        "From an earlier date to this one, both by today's model, for lack of an earlier run. "
        "Strong bands: the customer changed. Figures are rounded.",
        "D'une date antérieure à celle-ci, toutes deux selon le modèle d'aujourd'hui, faute de "
        "calcul antérieur. Bandes pleines : le client a changé. Les chiffres sont arrondis.",
    ),
    "flows_told": (
        "{moved} of {all} customers who had a segment ({share}) are in another one: {customer} "
        "because they changed, {model} because the model did.",
        "{moved} des {all} clients qui avaient un segment ({share}) sont dans un autre : "
        "{customer} parce qu'ils ont changé, {model} parce que le modèle a changé.",
    ),
    "flows_told_backcast": (
        "{moved} of {all} customers who had a segment ({share}) are in another one.",
        "{moved} des {all} clients qui avaient un segment ({share}) sont dans un autre.",
    ),
    "flows_none_told": (
        "Of {all} customers who had a segment, next to none are in another one.",
        "Des {all} clients qui avaient un segment, presque aucun n'en a changé.",
    ),
    "flows_unknown": (
        "Of {n} of them it is not known: the model before could not be read any more.",
        "Pour {n} d'entre eux, on ne le sait pas : le modèle précédent n'était plus lisible.",
    ),
    "flows_came": (
        "{n} have a segment who had none.",
        "{n} ont un segment et n'en avaient pas.",
    ),
    "flows_left": (
        "{n} had a segment and have none now.",
        "{n} avaient un segment et n'en ont plus.",
    ),
    "flows_withheld": (
        "So few customers moved between any two segments that no figure may be shown.",
        "Trop peu de clients sont passés d'un segment à l'autre pour montrer un chiffre.",
    ),
    "cause_customer": ("the customer changed", "le client a changé"),
    "cause_model": ("the model changed", "le modèle a changé"),
    "cause_both": ("both changed", "les deux ont changé"),
    "cause_unknown": ("not known", "on ne le sait pas"),
    "cause_none": ("stayed", "sans changement"),
    "from": ("From", "De"),
    "to": ("To", "Vers"),
    "why": ("Why", "Pourquoi"),
    "before": ("Before", "Avant"),
    "now": ("Now", "Maintenant"),
    "events": ("What became of the segments", "Ce que sont devenus les segments"),
    "event_born": ("New: {segment}.", "Nouveau : {segment}."),
    "event_died": ("Gone: {segment}.", "Disparu : {segment}."),
    "event_merged": ("{other} went into {segment}.", "{other} : absorbé par {segment}."),
    "event_split": ("{other} came out of {segment}.", "{other} : issu de {segment}."),
    "event_kept": ("{segment} was found again.", "{segment} a été retrouvé."),
    "number_only": ("segment no. {n}", "segment n° {n}"),
    "outside": ("no segment", "sans segment"),
    # Rules
    "rules": ("The segments in plain rules", "Les segments en règles simples"),
    "rules_lead": (
        "A small decision tree retells the segmentation. It puts {fidelity} of customers it has "
        "not seen where the segmentation puts them; guessing the largest segment would get "
        "{majority} right.",
        "Un petit arbre de décision redit la segmentation. Il place {fidelity} des clients qu'il "
        "n'a pas vus là où la segmentation les place ; le plus grand segment seul ferait "
        "{majority}.",
    ),
    "rule_if": ("If", "Si"),
    "rule_right": ("{share} right", "{share} justes"),
    "rule_of": ("{share} of the segment", "{share} du segment"),
    # Cross
    "cross": ("Across RFM", "Croisement avec RFM"),
    "cross_lead": (
        "How each segment is spread over the RFM segments: each column adds up to 100%, where "
        "nothing in it is withheld. A dash is too small to show, or would give away one that is.",
        "Comment chaque segment se répartit sur les segments RFM : chaque colonne fait 100 % si "
        "rien n'y est masqué. Un tiret est trop petit pour être montré, ou en trahirait un.",
    ),
    "cramer": (
        "Cramér's V is {v}, from 0 (nothing to do with each other) to 1 (the same division).",
        "Le V de Cramér est de {v}, de 0 (aucun lien) à 1 (même découpage).",
    ),
    "associations": ("Other traits of people", "Autres traits des clients"),
    "attribute": ("Trait", "Trait"),
    "known_of": ("Known", "Connu"),
    "traits_known": (
        "Each line is of those customers whose trait is known: who tells, and who does not, is no "
        "accident, so do not read it as true of all where few are known.",
        "Chaque ligne porte sur les clients dont le trait est connu : ceux qui le disent ne sont "
        "pas tirés au sort ; si peu sont connus, n'en concluez rien pour tous.",
    ),
    "cramers_v": ("Cramér's V", "V de Cramér"),
    "p_value": ("p, corrected", "p, corrigée"),
    "reading": ("Reading", "Lecture"),
    # Views
    "views": ("Other views of the same people", "D'autres regards sur les mêmes clients"),
    "views_lead": (
        "Each view segments the customers by a part of what is known of them.",
        "Chaque vue segmente les clients selon une partie de ce que l'on sait d'eux.",
    ),
    "view_behaviour": ("Behaviour", "Comportement"),
    "view_engagement": ("Engagement", "Engagement"),
    "view_value": ("Value", "Valeur"),
    "view_taste": ("Taste", "Goûts"),
    "view_psychographics": ("Values and lifestyle", "Valeurs et style de vie"),
    "view_all": ("All views", "Toutes les vues"),
    "view_none": (
        "no stable segments found",
        "pas de segments stables",
    ),
    # Loadings
    "loadings": ("The dimensions behind the figures", "Les dimensions derrière les chiffres"),
    "loadings_lead": (
        "Features that go together, summed up by a few factors. A loading near 1 or −1 says that "
        "the feature is carried by the factor.",
        "Les caractéristiques qui vont ensemble, résumées par quelques facteurs. Un poids proche "
        "de 1 ou de −1 dit que la caractéristique est portée par le facteur.",
    ),
    "loadings_unused": (
        "The segments were made of the features themselves; the factors only show what goes "
        "together.",
        "Les segments sont faits des caractéristiques elles-mêmes ; les facteurs montrent "
        "seulement ce qui va ensemble.",
    ),
    "factor": ("Factor {n}", "Facteur {n}"),
    # Cautions
    "cautions": ("Before you use this", "Avant de s'en servir"),
    "caution_circular": (
        "Segments were made from the features marked °. A test of those says nothing that is new, "
        "so read the size of a difference, not its p-value.",
        "Les segments sont construits avec les caractéristiques marquées °. Un test sur celles-ci "
        "n'apprend rien : lisez la taille d'une différence, pas sa valeur p.",
    ),
    "caution_cause": (
        "A segment says how people differ, not why, and not what an offer would change. "
        "A holdout group does.",
        "Un segment dit en quoi les gens diffèrent, pas pourquoi, ni ce qu'une offre changerait. "
        "Un groupe témoin le dit.",
    ),
    "caution_imputed": (
        "Of {n} customers ({share}) something was unknown and was filled in before a segment was "
        "assigned.",
        "Pour {n} clients ({share}), une information manquait et a été estimée avant "
        "l'affectation.",
    ),
    "caution_outliers": (
        "{n} customers ({share}) lie far from any segment: theirs is only the nearest.",
        "{n} clients ({share}) sont loin de tout segment : le leur n'est que le plus proche.",
    ),
    "caution_unstable": (
        "Not every segment recurs reliably: {names}. Use them with care, and not for yearly plans.",
        "Tous les segments ne se retrouvent pas de façon fiable : {names}. À manier avec prudence, "
        "et pas pour un plan annuel.",
    ),
    "caution_small": (
        "Groups of fewer than {floor} customers, and figures that would give one away, are not "
        "shown.",
        "Les groupes de moins de {floor} clients, et les chiffres qui en trahiraient un, ne sont "
        "pas montrés.",
    ),
    "caution_objectors": (
        "{n} customers may not be profiled. They are counted, and nothing else.",
        "{n} clients ne peuvent pas être profilés. Ils sont comptés, rien de plus.",
    ),
    "caution_fallback": (
        "The segments shown are RFM segments, since no stable segmentation exists.",
        "Les segments montrés sont ceux de RFM, car aucune segmentation stable n'existe.",
    ),
    "caution_synthetic": (
        "The data are made up: they show what the method does, not how people are.",
        "Les données sont fictives : elles montrent ce que fait la méthode, pas le réel.",
    ),
    # Left out
    "left_out_cards": ("No customer has a segment.", "Aucun client n'a de segment."),
    "left_out_sizes": ("No customer has a segment.", "Aucun client n'a de segment."),
    "left_out_profiles": (
        "No profile is published for these segments.",
        "Aucun profil n'est publié pour ces segments.",
    ),
    "left_out_parallel": (
        "No profile is published for these segments.",
        "Aucun profil n'est publié pour ces segments.",
    ),
    "left_out_projection": (
        "No customers were drawn for a map.",
        "Aucun client n'a été tiré pour une carte.",
    ),
    "left_out_tree": (
        "The segments are not divided further.",
        "Les segments ne sont pas divisés davantage.",
    ),
    "left_out_stability": (
        "No stability was measured.",
        "Aucune stabilité n'a été mesurée.",
    ),
    "left_out_choice": (
        "No candidates were compared.",
        "Aucun candidat n'a été comparé.",
    ),
    "left_out_flows": (
        "There is no earlier date to compare with yet: this section fills with the next build.",
        "Il n'y a pas encore de date antérieure à comparer : cette partie se remplira au prochain "
        "calcul.",
    ),
    "left_out_rules": (
        "No rules were found that retell the segments.",
        "Aucune règle ne redit les segments.",
    ),
    "left_out_cross": (
        "The segments were not crossed with RFM.",
        "Les segments n'ont pas été croisés avec RFM.",
    ),
    "left_out_views": (
        "There is one view only.",
        "Il n'y a qu'une seule vue.",
    ),
    "left_out_loadings": (
        "The features were used as they are, without factors.",
        "Les caractéristiques ont été utilisées telles quelles, sans facteurs.",
    ),
}
