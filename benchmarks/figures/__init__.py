"""One file for each kind of figure; each has a function from the size to its figures."""
