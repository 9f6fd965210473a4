"""The key that everything is signed with: the demo's own is known to everybody, so no other site may use it."""

from django.core.exceptions import ImproperlyConfigured

from example.environment import text

__all__ = ["DEMO_KEY", "secret_key"]

DEMO_KEY = "only-for-the-demo-on-this-machine"
SHORTEST = 50  # as Django's own `check --deploy` has it
FEWEST_DIFFERENT = 5
HOW = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'"


def secret_key(*, demo: bool) -> str:
    """SECRET_KEY. Outside the demo it must be given, long and not the demo's; raises ImproperlyConfigured otherwise."""
    given = text("SECRET_KEY")
    if demo:
        return given or DEMO_KEY
    if not given:
        raise ImproperlyConfigured(f"SECRET_KEY isn't set, and outside the demo (DEMO=0) there is no default. {HOW}")
    if DEMO_KEY in given or given.startswith("django-insecure-"):
        raise ImproperlyConfigured(f"SECRET_KEY is one that everybody knows; it is for the demo alone. {HOW}")
    if len(given) < SHORTEST or len(set(given)) < FEWEST_DIFFERENT:
        raise ImproperlyConfigured(
            f"SECRET_KEY has {len(given)} characters, {len(set(given))} of them different; outside the demo it must "
            f"have {SHORTEST} or more, {FEWEST_DIFFERENT} of them different. {HOW}"
        )
    return given
