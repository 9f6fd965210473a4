"""`{% headway_media %}` in a page's head, and `{% headway_run run %}` in the place of its panel."""

import re
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from headway import panel
from headway.models import Run
from headway.runs.access import is_staff

register = template.Library()

HIDDEN_ELEMENT = re.compile(r"<p\b[^>]*\shidden>.*?</p>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")


@register.simple_tag(takes_context=True)
def headway_media(context: template.Context) -> SafeString:
    """The panel's style and script, and its sentences for the browser."""
    faces = panel.faces_for_browser(is_staff=is_staff(context.get("user")))
    return render_to_string("headway/media.html", {"faces": faces})


@register.simple_tag(takes_context=True)
def headway_run(context: template.Context, run: Run | panel.Shown, page: str = "", **more: Any) -> SafeString:
    """The panel of a run: of one that a view has prepared (`panel.show`), or of a Run, which is read now.

    `page`: the address at which the project shows this run; with another id in it, it is that of a retry.
    Whether the visitor may see the run is for the view to decide; whether they may steer it, the panel finds out.
    """
    shown = run if isinstance(run, panel.Shown) else panel.show(run, context.get("user"))
    return shown.render("headway/panel.html", str(context.get("csrf_token", "")), page, **more)


@register.simple_tag
def headway_row(run: panel.Shown) -> SafeString:
    """The run as a row of a table."""
    return run.render("headway/row.html")


@register.simple_tag
def headway_icon(name: str) -> SafeString:
    """One of the symbols of icons.svg. It only repeats what a word beside it says."""
    place = static("headway/icons.svg")
    return format_html('<svg class="hw-icon" aria-hidden="true"><use href="{}#i-{}"/></svg>', place, name)


@register.simple_block_tag
def plain(content: str) -> SafeString:
    """{% plain %}…{% endplain %}: only the text of what is inside and isn't hidden, for an attribute."""
    shown = HIDDEN_ELEMENT.sub("", content)
    return mark_safe(" ".join(TAG.sub("", shown).split()))  # noqa: S308  (escaped already, and only made shorter)
