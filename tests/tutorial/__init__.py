"""The tutorial, done as it stands by a reader who has nothing but an empty directory and the built wheel."""
