"""A run's failures and results as files, with the items as their source has them now; and the file that its items have
written."""

from .formats import FORMATS
from .views import Failures, Results, Written

__all__ = ["FORMATS", "Failures", "Results", "Written"]
