"""Names, streets and places the fictitious people are made of."""

from __future__ import annotations

import unicodedata

_FEMALE = """
Marie Jeanne Françoise Monique Catherine Nathalie Isabelle Sylvie Martine Anne Christine
Nicole Valérie Sophie Sandrine Céline Véronique Chantal Aurélie Julie Stéphanie Émilie Laura
Pauline Camille Chloé Manon Léa Inès Sarah Emma Jade Louise Alice Lina Juliette Zoé Clara Éva
Margaux Mathilde Élise Hélène Florence Corinne Delphine Karine Laurence Brigitte Virginie
Mélanie Élodie Caroline Audrey Agnès Colette Denise Geneviève Simone Yvonne Odile Solène
Maëlle Noémie Anaïs Clémence Amandine Justine Marion Charlotte Lucie Océane Romane Nina Rose
Ambre Capucine Apolline Bérénice Clotilde Diane Estelle Fanny Gaëlle Hortense Irène Joséphine
Laëtitia Maud Nadège Ophélie Perrine Raphaëlle Sabine Tiphaine Victoire Yasmine
"""
_MALE = """
Jean Pierre Michel André Philippe Alain Bernard Jacques Daniel Gérard Patrick Christophe
Nicolas Laurent Frédéric Éric Stéphane David Pascal Olivier Thierry Julien Sébastien Alexandre
Thomas Antoine Maxime Kévin Romain Lucas Hugo Théo Enzo Nathan Louis Gabriel Raphaël Arthur
Jules Adam Paul Victor Clément Baptiste Quentin Florian Benjamin Guillaume Vincent Damien
Mathieu Fabrice Bruno Yves Serge Marcel René Roger Claude Denis Gilles Hervé Loïc Yann Erwan
Gaël Tristan Simon Martin Valentin Bastien Corentin Dorian Rémi Adrien Aurélien Cédric Didier
Étienne François Grégoire Henri Ismaël Jérôme Karim Léon Marius Noé Octave Pascalin Régis
Samuel Tanguy Ulysse Xavier Yannick Zacharie Achille Basile Côme
"""
_LAST = """
Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefebvre
Leroy Roux David Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau
Vincent Muller Lefèvre Faure André Mercier Blanc Guérin Boyer Garnier Chevalier Legrand
Gauthier
"""
_LAST_HEADS = """
Beau Bel Bon Bois Bour Brun Car Chan Char Clair Cour Dar Del Des Du Fon Fou Gar Gau Gir Grand
Har La Lam Lau Le Mal Mar Mau Mer Mon Mor Pel Per Poi Pré Rey Ri Rou Sau Ser Tou Val Ver Vi
"""
_LAST_TAILS = """
bert champ chard court dier din don fort gard lain let lier lon mard mier mont nard neau net
nier pré rand reau rin roux sard sier tel tier val vaux ville
"""

FEMALE_NAMES = tuple(_FEMALE.split())
MALE_NAMES = tuple(_MALE.split())
LAST_NAMES = tuple(_LAST.split()) + tuple(
    head + tail for head in _LAST_HEADS.split() for tail in _LAST_TAILS.split()
)

STREETS = tuple(
    f"{way} {of}"
    for way in ("rue", "avenue", "boulevard", "allée", "impasse", "place")
    for of in (
        "des Lilas",
        "de la République",
        "Victor Hugo",
        "du Moulin",
        "des Écoles",
        "de la Gare",
        "Jean Jaurès",
        "du Général Leclerc",
        "des Acacias",
        "Pasteur",
        "de l'Église",
        "du Château",
        "des Tilleuls",
        "Gambetta",
        "de la Fontaine",
        "du Stade",
        "des Cerisiers",
        "Voltaire",
        "de la Liberté",
        "du Port",
    )
)

PROFESSIONS = (
    "cadre",
    "employé",
    "étudiant",
    "retraité",
    "ouvrier",
    "artisan",
    "enseignant",
    "profession libérale",
    "sans emploi",
)

MAIL_DOMAINS = ("courriel.example", "poste.example", "mail.example", "messagerie.example")

# Department, its main city, inhabitants in ten thousands (rounded), telephone zone.
_FRANCE = """
01 Bourg-en-Bresse 66 4|02 Laon 53 3|03 Moulins 34 4|04 Digne-les-Bains 17 4|05 Gap 14 4
06 Nice 110 4|07 Privas 33 4|08 Charleville-Mézières 27 3|09 Foix 15 5|10 Troyes 31 3
11 Carcassonne 38 4|12 Rodez 28 5|13 Marseille 206 4|14 Caen 70 2|15 Aurillac 14 4
16 Angoulême 35 5|17 La_Rochelle 66 5|18 Bourges 30 2|19 Tulle 24 5|20 Ajaccio 35 4
21 Dijon 53 3|22 Saint-Brieuc 60 2|23 Guéret 12 5|24 Périgueux 41 5|25 Besançon 55 3
26 Valence 52 4|27 Évreux 60 2|28 Chartres 43 2|29 Quimper 92 2|30 Nîmes 76 4
31 Toulouse 143 5|32 Auch 19 5|33 Bordeaux 167 5|34 Montpellier 121 4|35 Rennes 111 2
36 Châteauroux 22 2|37 Tours 62 2|38 Grenoble 128 4|39 Lons-le-Saunier 26 3
40 Mont-de-Marsan 42 5|41 Blois 33 2|42 Saint-Étienne 77 4|43 Le_Puy-en-Velay 23 4
44 Nantes 147 2|45 Orléans 69 2|46 Cahors 17 5|47 Agen 33 5|48 Mende 8 4|49 Angers 83 2
50 Saint-Lô 50 2|51 Reims 57 3|52 Chaumont 17 3|53 Laval 31 2|54 Nancy 73 3
55 Bar-le-Duc 18 3|56 Vannes 77 2|57 Metz 105 3|58 Nevers 20 3|59 Lille 261 3
60 Beauvais 83 3|61 Alençon 28 2|62 Arras 146 3|63 Clermont-Ferrand 67 4|64 Pau 70 5
65 Tarbes 23 5|66 Perpignan 49 4|67 Strasbourg 116 3|68 Colmar 77 3|69 Lyon 190 4
70 Vesoul 23 3|71 Mâcon 55 3|72 Le_Mans 57 2|73 Chambéry 44 4|74 Annecy 85 4
75 Paris 213 1|76 Rouen 126 2|77 Melun 145 1|78 Versailles 146 1|79 Niort 37 5
80 Amiens 57 3|81 Albi 40 5|82 Montauban 27 5|83 Toulon 110 4|84 Avignon 56 4
85 La_Roche-sur-Yon 70 2|86 Poitiers 44 5|87 Limoges 37 5|88 Épinal 36 3|89 Auxerre 33 3
90 Belfort 14 3|91 Évry 132 1|92 Nanterre 164 1|93 Bobigny 168 1|94 Créteil 142 1
95 Cergy 127 1
"""
DEPARTMENTS = tuple(
    (code, city.replace("_", " "), float(people), int(zone))
    for code, city, people, zone in (
        entry.split() for line in _FRANCE.strip().splitlines() for entry in line.split("|")
    )
)
_COAST = "06 11 13 14 17 22 29 30 33 34 35 40 44 50 56 64 66 76 83 85"
COAST = frozenset(_COAST.split())

# Country, city, a postcode of it; the first two characters are the area statistics' prefix.
FOREIGN_PLACES = (
    ("BE", "Bruxelles", "1000"),
    ("BE", "Liège", "4000"),
    ("BE", "Namur", "5000"),
    ("CH", "Genève", "1201"),
    ("CH", "Lausanne", "1003"),
    ("LU", "Luxembourg", "2163"),
    ("DE", "Sarrebruck", "66111"),
    ("DE", "Karlsruhe", "76133"),
    ("ES", "Barcelone", "08001"),
    ("ES", "Saint-Sébastien", "20001"),
)

COUNTRY_SPELLINGS = {
    "FR": ("FR", "France", "FRANCE ", "fr", " france"),
    "BE": ("BE", "Belgique", "BELGIQUE"),
    "CH": ("CH", "Suisse", " suisse"),
    "LU": ("LU", "Luxembourg"),
    "DE": ("DE", "Deutschland", "Allemagne"),
    "ES": ("ES", "España", "Espagne"),
}


def slug(name: str) -> str:
    """Letters of a name as they stand in an e-mail address."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain.lower() if letter.isalnum())
