"""What builds the site: a Django project for the reference, and what is generated of it."""
