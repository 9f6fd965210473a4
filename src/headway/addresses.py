"""Where Headway is mounted, as far as a project has mounted it."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, ResolverMatch, get_script_prefix, is_valid_path, reverse
from django.utils.translation import get_language

APPS = ("headway", "headway_ui")
SIGN_IN_FAULT = "headway.W035"
SIGN_IN_CURE = (
    'Set LOGIN_URL = "admin:login" for staff alone, or name a page of yours (django.contrib.auth.urls needs a template '
    "of your own, registration/login.html); or silence this check, where your proxy answers there."
)


def of_api(name: str, *arguments: Any) -> str:
    """One of the API's addresses; "" where the API isn't mounted."""
    return address(f"headway:{name}", *arguments)


def of_page(name: str, *arguments: Any) -> str:
    """One of the pages' addresses; "" where the pages aren't mounted."""
    return address(f"headway_ui:{name}", *arguments)


def address(name: str, *arguments: Any) -> str:
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


def sign_in_fault() -> str:
    """Why LOGIN_URL leads to no page of this project; "": it does, or it leads to another site."""
    try:
        address = resolve_url(settings.LOGIN_URL)
    except (NoReverseMatch, TypeError):
        return f"LOGIN_URL is {settings.LOGIN_URL!r}, which is neither a path nor the name of a URL."
    if urlsplit(address).netloc or is_there(urlsplit(address).path):
        return ""
    return f"LOGIN_URL leads to {address}, which is a 404."


def is_there(path: str) -> bool:
    """Whether a view answers there, or where Django's middleware redirects to: with a slash, or below a language."""
    path = path.removeprefix(get_script_prefix().rstrip("/"))
    with_language = f"/{get_language() or settings.LANGUAGE_CODE}{path}"
    return any(is_valid_path(each) for each in (path, f"{path}/", with_language))


def is_own(match: ResolverMatch) -> bool:
    """Whether what the project has there is one of Headway's own pages or of its API."""
    return bool(match.app_names) and match.app_names[-1] in APPS
