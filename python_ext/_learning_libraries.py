"""Import the learning libraries once, in one order.

dbt runs Python models in threads. Two threads that import different parts of scikit-learn for the
first time can meet in the middle and find a module half made; whoever needs scikit-learn imports
this module first, and Python lets one thread finish it while the other waits.

Linear algebra keeps to one thread from here on: the order of a parallel sum is not fixed, and two
builds must agree. Its limit is one for the whole process, so a model that set and lifted it for
itself would lift it for the model beside it too.
"""

import scipy.stats  # noqa: F401
import sklearn.calibration  # noqa: F401
import sklearn.cluster  # noqa: F401
import sklearn.covariance  # noqa: F401
import sklearn.decomposition  # noqa: F401
import sklearn.ensemble  # noqa: F401
import sklearn.impute  # noqa: F401
import sklearn.linear_model  # noqa: F401
import sklearn.manifold  # noqa: F401
import sklearn.metrics  # noqa: F401
import sklearn.mixture  # noqa: F401
import sklearn.model_selection  # noqa: F401
import sklearn.neighbors  # noqa: F401
import sklearn.pipeline  # noqa: F401
import sklearn.preprocessing  # noqa: F401
import sklearn.tree  # noqa: F401
from threadpoolctl import threadpool_limits

threadpool_limits(1, user_api="blas")
