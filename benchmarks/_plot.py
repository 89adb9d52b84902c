"""Wall time by customers, both as logarithms. Needs matplotlib.

python benchmarks/_plot.py POINTS_AS_JSON PICTURE.png
"""

import json
import sys

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator

points = json.loads(sys.argv[1])
figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
for name, pairs in points.items():
    if pairs:
        axes.loglog(*zip(*pairs, strict=True), marker="o", label=name)
axes.set(xlabel="customers", ylabel="seconds", title="A build by its size")
for axis in (axes.xaxis, axes.yaxis):
    axis.set_major_formatter("{x:,.0f}")
axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
axes.yaxis.set_minor_formatter("")
axes.grid(visible=True, which="major", alpha=0.4)
axes.legend()
figure.savefig(sys.argv[2], dpi=110)
