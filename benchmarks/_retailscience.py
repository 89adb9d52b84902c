"""RFM by openretailscience on the same orders. Needs an environment of its own.

python benchmarks/_retailscience.py ORDERS.parquet AS_OF OUT.parquet

Prints its seconds, imports left out.
"""

import sys
import time

import pandas as pd
from openretailscience.segmentation.rfm import RFMSegmentation

started = time.perf_counter()
orders = pd.read_parquet(
    sys.argv[1], columns=["customer_key", "order_id", "ordered_on", "net_revenue", "is_purchase"]
)
orders = orders[orders["customer_key"].notna() & orders["is_purchase"]]
orders = orders.rename(
    columns={
        "customer_key": "customer_id",
        "order_id": "transaction_id",
        "ordered_on": "transaction_date",
        "net_revenue": "unit_spend",
    }
)
orders["transaction_date"] = pd.to_datetime(orders["transaction_date"])
found = RFMSegmentation(orders, current_date=sys.argv[2], r_segments=5, f_segments=5, m_segments=5)
found.df.to_parquet(sys.argv[3])
print(time.perf_counter() - started)
