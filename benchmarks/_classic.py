"""The script for this job as people write it: every number, every customer, full effort.

Prints one line of JSON: the number chosen, the inertia, the silhouettes.
"""

import json
import sys

import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

customers = pd.read_parquet(sys.argv[1])
X = StandardScaler().fit_transform(customers.drop(columns="customer_key"))
silhouettes = {}
for k in range(2, 11):
    labels = KMeans(n_clusters=k, n_init=25, random_state=42).fit_predict(X)
    silhouettes[k] = silhouette_score(X, labels)
best = max(silhouettes, key=silhouettes.get)
final = KMeans(n_clusters=best, n_init=50, random_state=42).fit(X)
print(json.dumps({"k": best, "inertia": final.inertia_, "silhouettes": silhouettes}))
