"""All runs in Django's admin, for staff with headway.view_run: how each is, and what can be asked of several at once.

Nothing can be edited: a run changes by what is asked of it alone. What may be asked needs headway.change_run.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext

from headway import runs
from headway.addresses import of_page
from headway.errors import HeadwayError
from headway.models import Run
from headway.panel import Shown, show, show_all
from headway.panel.words import number


class Page(ChangeList):
    """A page of runs, with what is shown of them: as many statements as for one."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        by_id = {UUID(shown.run["id"]): shown for shown in show_all(self.result_list, request.user)}
        self.result_list = [remember(run, by_id[run.pk]) for run in self.result_list if run.pk in by_id]


def asking(name: str, description: Any, ask: Callable[..., object], **how: Any) -> Any:
    """An action that asks this of each of the selected runs, and says of which it can't be asked, and why."""

    @admin.action(description=description, permissions=["steer"])
    def action(self: "RunAdmin", request: HttpRequest, selected: QuerySet[Run]) -> None:
        done = 0
        for run in selected:
            try:
                ask(run, user=request.user, **how)
                done += 1
            except HeadwayError as error:
                self.message_user(request, f"{run}: {error}", messages.WARNING)
        if done:
            said = ngettext("Done for %(count)s run.", "Done for %(count)s runs.", done) % {"count": number(done)}
            self.message_user(request, said, messages.SUCCESS)

    action.__name__ = name
    return action


def settle(run: Run, *, went_out: bool, user: Any) -> None:
    """Raises HeadwayError where nothing is in doubt, any more or at all, beside what `runs.settle` raises."""
    if not runs.settle(run, went_out=went_out, user=user):
        raise HeadwayError(gettext("Nothing of it is in doubt."))


@admin.register(Run)
class RunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic to the type checker alone
    """The list, and one run's page; both lead to the run's own page, where that is mounted."""

    list_display = ("title", "word", "progress", "started_by", "created_at", "page")
    list_filter = ("state", "operation", "created_at")
    list_select_related = ("started_by",)
    list_per_page = 50
    show_full_result_count = False
    fields = (
        "title", "word", "progress", "page", "started_by", "created_at", "started_at", "finished_at", "reason_code",
        "reason_text", "reason_detail", "parameters", "result", "version", "dry_run", "retry_of", "id",
    )  # fmt: skip
    actions = [
        asking("pause", gettext_lazy("Pause"), runs.pause),
        asking("resume", gettext_lazy("Resume"), runs.resume),
        asking("cancel", gettext_lazy("Cancel"), runs.cancel),
        asking("retry", gettext_lazy("Retry what failed"), runs.retry),
        asking("all_went_out", gettext_lazy("In doubt: all went out"), settle, went_out=True),
        asking("none_went_out", gettext_lazy("In doubt: none went out, retry may do them"), settle, went_out=False),
    ]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["operation", f"started_by__{get_user_model().USERNAME_FIELD}"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Run], search_term: str
    ) -> tuple[QuerySet[Run], bool]:
        """By its id, as log lines have it, or by words in its operation's name and its starter's."""
        try:
            return queryset.filter(pk=UUID(search_term.strip())), False
        except ValueError:
            return super().get_search_results(request, queryset, search_term)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Page

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Run | None:
        run = super().get_object(request, object_id, from_field)
        return remember(run, show(run, request.user)) if run else None

    def has_change_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        return False

    has_add_permission = has_delete_permission = has_change_permission

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("headway.change_run")

    @admin.display(description=gettext_lazy("operation"), ordering="operation")
    def title(self, run: Run) -> str:
        return str(shown(run).run["title"])

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def word(self, run: Run) -> str:
        return SafeString(shown(run).render("headway/word.html").strip())

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, run: Run) -> str:
        progress = shown(run).run["progress"]
        done = number(progress["processed"])
        of = gettext("%(done)s of %(total)s") % {"done": done, "total": number(progress["total"] or 0)}
        text = of if progress["total"] is not None else done
        failed = gettext("%(count)s failed") % {"count": number(progress["failed"])}
        return f"{text}, {failed}" if progress["failed"] else text

    @admin.display(description=gettext_lazy("parameters"))
    def parameters(self, run: Run) -> str:
        return json.dumps(shown(run).run["params"], ensure_ascii=False)

    @admin.display(description=gettext_lazy("page"), empty_value="–")
    def page(self, run: Run) -> str | None:
        address = of_page("run", run.pk)
        return format_html('<a href="{}">{}</a>', address, gettext("Watch it")) if address else None


def remember(run: Run, what: Shown) -> Run:
    """The run, with what is shown of it, for the columns."""
    run.shown = what  # type: ignore[attr-defined]
    return run


def shown(run: Run) -> Shown:
    return run.shown  # type: ignore[attr-defined,no-any-return]
