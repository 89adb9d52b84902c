"""Every sentence of the page, in English and in French."""

from python_ext.report import _texts_of_proof

TEXTS: dict[str, tuple[str, str]] = {
    # Page
    "title": ("Who our customers are", "Qui sont nos clients"),
    "kicker": ("Customer segments", "Segments de clientèle"),
    "contents": ("Contents", "Sommaire"),
    "skip": ("To the contents", "Aller au contenu"),
    "synthetic": (
        "Made-up data: nobody in here is real",
        "Données fictives : personne ici n'est réel",
    ),
    "as_of": ("As of {day}", "Au {day}"),
    "unknown_day": ("an unknown day", "jour inconnu"),
    "and": ("and", "et"),
    "of": ("of", "de"),
    "figures": ("The figures as a table", "Les chiffres en tableau"),
    "times_average": ("{n} times the average", "{n} fois la moyenne"),
    "below_average": ("{n} below the average", "{n} sous la moyenne"),
    "above_average": ("{n} above the average", "{n} au-dessus de la moyenne"),
    "colophon": (
        "Made from the published marts alone; it names no customer and asks nothing of any "
        "network. Groups of fewer than {floor} customers are not shown. Method: every number of "
        "segments was judged by several indices and by bootstrap samples, and the simplest good "
        "solution taken; the marts hold every figure.",
        "Établi à partir des seules tables publiées ; cette page ne contient aucun client et "
        "n'interroge aucun réseau. Les groupes de moins de {floor} clients ne sont pas montrés. "
        "Méthode : chaque nombre de segments est jugé par plusieurs indices et par "
        "rééchantillonnage, puis on retient la plus simple des bonnes solutions ; tous les "
        "chiffres sont dans les tables.",
    ),
    # Headline
    "customers": ("customers", "clients"),
    "customers_known": ("customers known", "clients connus"),
    "customers_segmented": ("with a segment", "avec un segment"),
    "segments_count": ("segments", "segments"),
    "net_revenue": ("net revenue", "chiffre d'affaires net"),
    "overall_stability": ("stability, out of 1", "stabilité, sur 1"),
    "headline_one": (
        "{customers} customers fall into {n} segment.",
        "{customers} clients forment {n} segment.",
    ),
    "headline_many": (
        "{customers} customers fall into {n} segments.",
        "{customers} clients se répartissent en {n} segments.",
    ),
    "headline_top": (
        "{name} are {share} of all customers and bring {revenue} of the revenue.",
        "{name} : {share} des clients, {revenue} du chiffre d'affaires.",
    ),
    "chosen_only": (
        "How they were found: {algorithm} on {rows} customers. {tried} solutions were compared; "
        "only that of {k} segments passed the tests of size, structure and recurrence.",
        "Comment ils ont été trouvés : {algorithm} sur {rows} clients. {tried} solutions ont été "
        "comparées ; seule celle de {k} segments a passé les épreuves de taille, de structure et "
        "de stabilité.",
    ),
    "chosen_fitted": (
        "How they were found: {algorithm} on {rows} customers. {tried} solutions were compared, "
        "{passed} passed the tests of size, structure and recurrence, and of these that of {k} "
        "segments came out best.",
        "Comment ils ont été trouvés : {algorithm} sur {rows} clients. {tried} solutions ont été "
        "comparées, {passed} ont passé les épreuves de taille, de structure et de stabilité, et "
        "celle de {k} segments l'emporte.",
    ),
    "soft": (
        "The segments shade into each other (silhouette {value} of 1): read them as regions of one "
        "crowd, and a customer near a border as belonging a little to both sides.",
        "Les segments se fondent les uns dans les autres (silhouette {value} sur 1) : ce sont des "
        "régions d'une même population, et un client près d'une frontière tient un peu des deux.",
    ),
    "chosen_kept": (
        "How they were found: the segments of the last run ({algorithm}, {k} segments) still hold, "
        "so they were kept, and today's customers were assigned to them.",
        "Comment ils ont été trouvés : les segments du dernier calcul ({algorithm}, {k} segments) "
        "tiennent toujours ; ils sont conservés et les clients d'aujourd'hui y sont affectés.",
    ),
    "chosen_fixed": (
        "How they were found: {k} segments by {algorithm} on {rows} customers, fixed by an "
        "analyst; {tried} solutions were compared.",
        "Comment ils ont été trouvés : {k} segments par {algorithm} sur {rows} clients, fixés par "
        "un analyste ; {tried} solutions ont été comparées.",
    ),
    "recur": (
        "In repeated samples the least stable of them recurs with an overlap of {value} of 1.",
        "Dans des échantillons répétés, le moins stable d'entre eux revient avec un recouvrement "
        "de {value} sur 1.",
    ),
    "fallback_title": (
        "No stable segmentation was found",
        "Aucune segmentation stable n'a été trouvée",
    ),
    "fallback": (
        "In these data customers do not fall into groups that would be found again in another "
        "sample. Rather than draw borders where there are none, this page shows the RFM segments: "
        "how recently, how often and for how much people bought. They are a sorting by rule, not "
        "natural groups.",
        "Dans ces données, les clients ne forment pas de groupes que l'on retrouverait dans un "
        "autre échantillon. Plutôt que de tracer des frontières qui n'existent pas, cette page "
        "montre les segments RFM : récence, fréquence et montant des achats. C'est un classement "
        "par règle, et non des groupes naturels.",
    ),
    "algorithm_kmeans": ("k-means", "k-means"),
    "algorithm_gmm": ("a Gaussian mixture", "un mélange gaussien"),
    "algorithm_ward": ("Ward clustering", "une classification de Ward"),
    "algorithm_hdbscan": ("HDBSCAN", "HDBSCAN"),
    "algorithm_dbscan": ("DBSCAN", "DBSCAN"),
    "algorithm_minibatch": ("mini-batch k-means", "k-means par lots"),
    "algorithm_rfm": ("RFM rules", "règles RFM"),
    # Cards
    "cards": ("The segments", "Les segments"),
    "cards_lead": (
        "In order of what they bring. The colour and the number of a segment stay with it through "
        "this page and through later builds.",
        "Dans l'ordre de ce qu'ils apportent. La couleur et le numéro d'un segment le suivent sur "
        "toute la page et dans les calculs ultérieurs.",
    ),
    "of_customers": ("of customers", "des clients"),
    "of_revenue": ("of revenue", "du chiffre d'affaires"),
    "what_marks": ("What marks them", "Ce qui les distingue"),
    "what_to_do": ("What to do", "Que faire"),
    "stability_stable": ("stable", "stable"),
    "stability_doubtful": ("doubtful", "incertain"),
    "stability_unstable": ("unstable", "instable"),
    "withheld_one": (
        "{n} group is too small, or would give away one that is, and is not shown: {names}.",
        "{n} groupe est trop petit, ou en trahirait un qui l'est, et n'est pas montré : {names}.",
    ),
    "withheld_many": (
        "{n} groups are too small, or would give away one that is, and are not shown: {names}.",
        "{n} groupes sont trop petits, ou en trahiraient un qui l'est, et ne sont pas montrés : "
        "{names}.",
    ),
    # Sizes
    "sizes": ("Size and worth", "Taille et valeur"),
    "sizes_lead": (
        "Where the lower bar is the longer one, a segment brings more than its number.",
        "Quand la barre du bas est la plus longue, un segment apporte plus que son nombre.",
    ),
    "share_customers": ("Share of customers", "Part des clients"),
    "share_revenue": ("Share of revenue", "Part du chiffre d'affaires"),
    "segment": ("Segment", "Segment"),
    "revenue": ("Net revenue", "Chiffre d'affaires net"),
    "revenue_per_customer": ("Per customer", "Par client"),
    # Profiles
    "profiles": ("What marks each segment", "Ce qui distingue chaque segment"),
    "profiles_lead": (
        "The figure is an index: 100 is the average customer. The colour says how unusual that is, "
        "in standard deviations.",
        "Le chiffre est un indice : 100 est le client moyen. La couleur dit à quel point c'est "
        "inhabituel, en écarts-types.",
    ),
    "profiles_circular": (
        "° went into the making of the segments: that they differ by it is no discovery.",
        "° a servi à construire les segments : qu'ils diffèrent là-dessus n'apprend rien.",
    ),
    "below": ("below average", "sous la moyenne"),
    "above": ("above average", "au-dessus"),
    "feature": ("Feature", "Caractéristique"),
    "effect": ("Effect size η²", "Taille d'effet η²"),
    "tip_profile": (
        "{segment}, {feature}: mean {mean}, of all {overall} (z {z})",
        "{segment}, {feature} : moyenne {mean}, ensemble {overall} (z {z})",
    ),
    "parallel": ("The segments side by side", "Les segments côte à côte"),
    "parallel_lead": (
        "The features that tell the segments apart most. The middle line is the average customer.",
        "Les caractéristiques qui séparent le plus les segments. La ligne du milieu est le client "
        "moyen.",
    ),
    "deviations": ("standard deviations", "écarts-types"),
    # Projection
    "projection": ("The customers as a map", "La carte des clients"),
    "projection_lead": (
        "{n} customers, drawn by chance. Each dot is one; near dots behave alike.",
        "{n} clients tirés au sort. Chaque point en est un ; les points voisins se ressemblent.",
    ),
    "tsne": ("Neighbourhoods (t-SNE)", "Voisinages (t-SNE)"),
    "pca": ("Main directions (PCA)", "Axes principaux (ACP)"),
    "tsne_note": (
        "t-SNE keeps neighbours together. Distances between far groups, and the axes, mean "
        "nothing. Of the neighbours seen here, {trust} can be trusted.",
        "t-SNE garde les voisins ensemble. Les distances entre groupes éloignés et les axes ne "
        "signifient rien. Fiabilité des voisinages vus ici : {trust}.",
    ),
    "pca_note": (
        "Principal components keep distances, as far as two directions can: the two hold {share} "
        "of the variance, so groups that overlap here may lie apart.",
        "Les composantes principales conservent les distances autant que deux axes le peuvent : "
        "ils portent {share} de la variance ; des groupes superposés ici peuvent être séparés.",
    ),
    "axis": ("Component {n}, {share}", "Composante {n}, {share}"),
    # Tree
    "tree": ("Segments within segments", "Des segments dans les segments"),
    "tree_lead": (
        "How segments part into smaller ones. The farther left two branches meet, the more they "
        "differ. A split that does not recur in samples is not made.",
        "Comment les segments se divisent. Plus deux branches se rejoignent à gauche, plus elles "
        "diffèrent. Une division qui ne se retrouve pas dans les échantillons n'est pas faite.",
    ),
    "different": ("more different", "plus différents"),
    "alike": ("more alike", "plus semblables"),
    "customers_n": ("{n} customers", "{n} clients"),
    "sub_segments_one": ("{n} sub-segment", "{n} sous-segment"),
    "sub_segments_many": ("{n} sub-segments", "{n} sous-segments"),
    "micro_segments_one": ("{n} micro-segment", "{n} micro-segment"),
    "micro_segments_many": ("{n} micro-segments", "{n} micro-segments"),
    "undivided": ("not divided further", "non divisé"),
    "level": ("Level", "Niveau"),
    "level_segment": ("segment", "segment"),
    "level_sub_segment": ("sub-segment", "sous-segment"),
    "level_micro_segment": ("micro-segment", "micro-segment"),
    "tree_small": (
        "Branches without figures are too small to be counted here.",
        "Les branches sans chiffre sont trop petites pour être comptées ici.",
    ),
    **_texts_of_proof.TEXTS,
}
