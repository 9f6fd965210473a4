"""The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header): a structured field's string, or bare."""

import re

from django.http import HttpRequest

from headway.errors import IdempotencyKeyInvalid

STRING = r'"((?:[ !#-\[\]-~]|\\["\\])*)"'  # RFC 9651, 3.3.3
PARAMETER = rf"; *[a-z*][a-z0-9_.*-]*(?:=(?:%?{STRING}|[!#-+\--:<-~]+))?"  # 3.1.2: one that isn't known is ignored
QUOTED = re.compile(rf"{STRING}(?:{PARAMETER})*")
ESCAPED = re.compile(r"\\(.)")


def key_of(request: HttpRequest) -> str | None:
    """The key without its quotes and parameters, or None.

    Raises IdempotencyKeyInvalid for quotes that aren't closed, and for a comma outside of quotes: by it a server joins
    two headers of the same name, so these would be two keys.
    """
    sent: str | None = request.headers.get("Idempotency-Key")
    if sent is None:
        return None
    if not sent.startswith('"'):
        if "," in sent:
            raise IdempotencyKeyInvalid
        return sent
    quoted = QUOTED.fullmatch(sent)
    if quoted is None:
        raise IdempotencyKeyInvalid
    return ESCAPED.sub(r"\1", quoted[1])
