"""The endpoints as OpenAPI, by drf-spectacular: one typed path for each operation, from its form."""
