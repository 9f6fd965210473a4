"""Whose pages may open a socket: browsers send cookies with it whatever page asks, and tell only the page's origin."""

import io
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.utils.http import is_same_domain

from headway.live.protocol import Scope, header, with_http_scheme


def is_foreign(scope: Scope) -> bool:
    """Whether the page's origin is neither the host that is asked nor one of CSRF_TRUSTED_ORIGINS.

    As with Django's own check of forms, an insecure page is foreign to a secure host. A secure page is not foreign to
    a host that looks insecure, for a proxy may have taken the encryption off without a word. A client that names no
    origin is no browser, and brings no one else's cookies.
    """
    origin = header(scope, b"origin").decode("latin-1").lower()
    if not origin:
        return False
    try:
        scheme, page, *_ = urlsplit(origin)
        request = ASGIRequest({**with_http_scheme(scope), "method": "GET"}, io.BytesIO())
        asked = request.get_host().lower()  # one of ALLOWED_HOSTS
    except (ValueError, DisallowedHost):
        return True
    if page == asked and (scheme == "https" or (scheme == "http" and not request.is_secure())):
        return False
    trusted = map(urlsplit, settings.CSRF_TRUSTED_ORIGINS)  # such as https://example.com or https://*.example.com
    return not any(scheme == each.scheme and is_same_domain(page, each.netloc.removeprefix("*")) for each in trusted)
