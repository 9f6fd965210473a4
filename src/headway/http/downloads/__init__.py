"""Row 8 of the contract: a run's failures as a file, with the items as their source has them now."""

from .formats import FORMATS
from .views import Failures, Results

__all__ = ["FORMATS", "Failures", "Results"]
