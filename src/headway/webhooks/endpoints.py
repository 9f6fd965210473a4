"""Which addresses are told: HEADWAY["WEBHOOKS"], each under a name. Only the name is ever shown or logged."""

from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from headway.conf import conf, valid_conf
from headway.errors import UnknownOperation
from headway.operations import registry

KEYS = ("allow_http", "operations", "secret", "url")
PREFIX = "whsec_"
FEWEST_BYTES, MOST_BYTES = 24, 64  # of a secret, as Standard Webhooks has it


@dataclass(frozen=True)
class Endpoint:
    """An address, and the secrets that sign what is sent to it: several while one replaces another."""

    url: str = field(repr=False)
    secrets: list[bytes] = field(repr=False)


@checks.register("headway")
def check_webhooks(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E027: an address that is to be told of runs is declared wrongly."""
    hint = (
        'Mend HEADWAY["WEBHOOKS"] in the project\'s settings. Each name has a "url", a "secret" and, unless it is told '
        'of all runs, a list "operations".'
    )
    wrong = [fault for name, declared in valid_conf().webhooks.items() for fault in faults(name, declared)]
    return [checks.Error(fault, hint=hint, id="headway.E027") for fault in wrong]


def told_of(operation: str) -> list[str]:
    """The names of those that are told of this operation's runs. Where they are declared wrongly, too: no run is kept
    from its end by that, and the delivery says what is wrong.
    """
    names = registry.names_of(operation)
    listed = {name: declared.get("operations") for name, declared in conf().webhooks.items()}
    return [
        name
        for name, those in listed.items()
        if not isinstance(those, list | tuple) or any(each in those for each in names)
    ]


def endpoint(name: str) -> Endpoint | None:
    """The address of this name; None: there is none any more. Raises ImproperlyConfigured."""
    declared = conf().webhooks.get(name)
    if declared is None:
        return None
    for fault in faults(name, declared):
        raise ImproperlyConfigured(fault)
    return Endpoint(declared["url"], [decoded(secret) for secret in secrets_of(declared)])


def faults(name: str, declared: dict[str, Any]) -> Iterator[str]:
    """What is wrong with it, without anything that is secret."""
    place = f'HEADWAY["WEBHOOKS"][{name!r}]'
    for key in sorted(map(str, set(declared) - set(KEYS))):
        yield f"{place} has {key!r}. There are: {', '.join(KEYS)}."
    for fault in (of_url(declared), of_secret(declared), of_operations(declared)):
        if fault:
            yield f"{place}: {fault}"


def of_url(declared: dict[str, Any]) -> str:
    try:
        parts = urlsplit(declared.get("url", ""))
        whole = parts.scheme in ("http", "https") and (parts.hostname or "").encode("idna") and parts.port != 0
    except (TypeError, ValueError, AttributeError):
        whole = False
    if not whole or not declared["url"].isascii() or any(letter <= " " for letter in declared["url"]):
        return "url must be a whole address in ASCII, such as https://billing.example.com/headway/."
    if parts.username is not None or parts.fragment:
        return "url has a user or a fragment, which isn't sent. The signature says who sends it."
    if parts.scheme == "http" and not (settings.DEBUG or declared.get("allow_http") is True):
        return 'url must begin with https://. For one within your own network say "allow_http": True.'
    return ""


def of_secret(declared: dict[str, Any]) -> str:
    try:
        fit = [FEWEST_BYTES <= len(decoded(secret)) <= MOST_BYTES for secret in secrets_of(declared)]
    except (TypeError, ValueError, AttributeError, Error):
        fit = []
    if fit and all(fit):
        return ""
    return f"secret must be {PREFIX} and {FEWEST_BYTES} to {MOST_BYTES} bytes in base64, or a list of such."


def of_operations(declared: dict[str, Any]) -> str:
    names = declared.get("operations", [])
    if not isinstance(names, list | tuple):
        return "operations must be a list of names, such as ['airports.import_airports']; without it, all are told."
    try:
        for name in names:
            registry.get(name)
    except (UnknownOperation, TypeError) as error:
        return f"operations: {error}"
    return ""


def secrets_of(declared: dict[str, Any]) -> list[Any]:
    """As they are declared: one, or several."""
    said = declared.get("secret")
    return [*said] if isinstance(said, list | tuple) else [said]


def decoded(secret: Any) -> bytes:
    """Raises AttributeError, ValueError or binascii.Error for what is none."""
    if not secret.startswith(PREFIX):
        raise ValueError(PREFIX)
    text = secret.removeprefix(PREFIX)
    return b64decode(text + "=" * (-len(text) % 4), validate=True)  # some write it without padding
