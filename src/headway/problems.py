"""RFC 9457: an error as `application/problem+json`."""
