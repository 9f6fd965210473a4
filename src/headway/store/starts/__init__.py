"""From a request to a run: the INSERT that decides, keys, quotas, the line behind the live run; the run's own copy of a
selection; and how far ticks have been seen to."""
