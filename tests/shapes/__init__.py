"""Projects of another shape than ours, with the built wheel: all works there, or a check says why not."""
