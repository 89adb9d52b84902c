"""Import the learning libraries once, in one order.

dbt runs Python models in threads. Two threads that import different parts of scikit-learn for the
first time can meet in the middle and find a module half made; whoever needs scikit-learn imports
this module first, and Python lets one thread finish it while the other waits.
"""

import scipy.stats  # noqa: F401
import sklearn.calibration  # noqa: F401
import sklearn.cluster  # noqa: F401
import sklearn.covariance  # noqa: F401
import sklearn.ensemble  # noqa: F401
import sklearn.impute  # noqa: F401
import sklearn.linear_model  # noqa: F401
import sklearn.metrics  # noqa: F401
import sklearn.model_selection  # noqa: F401
import sklearn.pipeline  # noqa: F401
import sklearn.preprocessing  # noqa: F401
import skops.io  # noqa: F401
