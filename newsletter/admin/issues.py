"""Issues: their words by language, their contents in order, their editions; the way to preview and sending."""

import datetime

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from newsletter import compose
from newsletter.admin import (
    board,
    board_moves,
    board_outdated,
    exchange,
    figures,
    history,
    moves,
    next_issue,
    panels,
    preview,
    problems,
    progress,
    sending,
    settled,
    translate,
    translate_answers,
    translate_remarks,
    trials,
    unknowns,
)
from newsletter.admin.forms import LAST_YEAR, in_our_time
from newsletter.admin.words import APPROVE, WordsAdmin, WordsForm
from newsletter.models import Edition, Issue
from newsletter.next_issue import period_after
from newsletter.rendering import language_name
from newsletter.translation.board import Stage
from picum import localising


class IssueForm(WordsForm):
    """Without an address the issue gets one made from its period."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
        for name in {"period", "finalised_on"} & self.fields.keys():
            self.fields[name].validators.append(in_our_time)

    def clean_slug(self):
        try:
            compose.check_slug(self.cleaned_data["slug"])
        except compose.TakenSlug as why:
            raise forms.ValidationError(str(why)) from why
        return self.cleaned_data["slug"]

    def clean(self):
        values = super().clean()
        if "slug" in self.fields and not values.get("slug") and values.get("period"):
            values["slug"] = compose.free_slug(values.get("period_kind", ""), values["period"])
        return values


@admin.register(Issue)
class IssueAdmin(WordsAdmin):
    form = IssueForm
    list_display = ["__str__", "slug", "finalised", "item_count", "state_of_editions", "ways"]
    list_per_page = 24
    actions = None
    shared_fields = ["period_kind", "period", "slug", "finalised_on", "fallback"]

    class Media:
        js = ["desk/issue.js"]

    # --- the list -----------------------------------------------------------------------------------------------

    def get_queryset(self, request):
        issues = super().get_queryset(request).newsletters().prefetch_related("editions")
        return issues.annotate(items_in=Count("items", distinct=True))

    @admin.display(description=gettext_lazy("finalised on"), ordering="finalised_on")
    def finalised(self, issue):
        return localising.day(issue.finalised_on, get_language() or "en") if issue.finalised_on else None

    @admin.display(description=gettext_lazy("items"))
    def item_count(self, issue):
        return issue.items_in

    @admin.display(description=gettext_lazy("editions"))
    def state_of_editions(self, issue):
        """Which languages are in which state: "ready: EN DE"."""
        by_state: dict[str, list[str]] = {}
        for edition in issue.editions.all():
            by_state.setdefault(edition.state, []).append(edition.language.upper())
        ordered = [(state, by_state[state]) for state in Edition.State if state in by_state]
        return format_html_join(
            " ",
            '<span class="desk-state desk-state--{}">{}: {}</span>',
            ((state.value, state.label, " ".join(languages)) for state, languages in ordered),
        )

    def get_list_display(self, request):
        """Who may not send is shown no way to it."""
        sends = request.user.has_perm("newsletter.send_issue")
        return ["ways_of_sender" if sends and name == "ways" else name for name in self.list_display]

    @admin.display(description=gettext_lazy("pages"))
    def ways(self, issue):
        return self._ways(issue, "problems_of_all", _("Problems"))

    @admin.display(description=gettext_lazy("pages"))
    def ways_of_sender(self, issue):
        return self._ways(issue, "send", _("Send"))

    def _ways(self, issue, before: str, called: str):
        """The board, and what comes next: `before` it goes out, that page."""
        going = any(edition.frozen_at for edition in issue.editions.all())
        ways = [("board", _("Board")), ("progress", _("Progress")) if going else (before, called)]
        return format_html_join(
            " · ",
            '<a href="{}">{}</a>',
            ((reverse(f"admin:newsletter_issue_{name}", args=[issue.pk]), label) for name, label in ways),
        )

    # --- the form -----------------------------------------------------------------------------------------------

    def has_words(self, translation) -> bool:
        return bool(translation.subject.strip())

    def has_view_permission(self, request, obj=None):
        """Who sends must find what to send."""
        return super().has_view_permission(request, obj) or request.user.has_perm("newsletter.send_issue")

    def has_delete_permission(self, request, obj=None):
        return False  # its public address is kept for ever

    def get_readonly_fields(self, request, obj=None):
        return ["slug"] if obj and any(edition.frozen_at for edition in obj.editions.all()) else []

    def get_fieldsets(self, request, obj=None):
        language = language_name(self.get_form_language(request, obj), get_language() or "en")
        heading = _("The words around the items: %(language)s") % {"language": language}
        around = self.words_fields(request, obj, ["subject", "masthead", "message", "donation"])
        return [
            (heading, {"fields": around}),
            (_("The issue in all languages"), {"fields": self.shared_fields}),
        ]

    def get_changeform_initial_data(self, request):
        sensible = Issue.objects.newsletters().filter(period__lte=datetime.date(LAST_YEAR, 12, 31))
        last = sensible.order_by("-period").values_list("period", flat=True).first()
        period = period_after(Issue.Period.MONTH, last) if last else timezone.localdate().replace(day=1)
        suggested = {"period": period, "slug": compose.free_slug(Issue.Period.MONTH, period)}
        return suggested | super().get_changeform_initial_data(request)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        compose.ensure_editions(obj)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        settled.tell(request, form.instance, form, formsets)

    def response_add(self, request, obj, post_url_continue=None):
        """A new issue stays open: now its items are added."""
        response = super().response_add(request, obj, post_url_continue)
        return self._to_the_tab(request, obj, "#contents") if "_save" in request.POST else response

    def response_change(self, request, obj):
        response = super().response_change(request, obj)
        return self._to_the_tab(request, obj) if APPROVE in request.POST else response

    def _to_the_tab(self, request, issue, place=""):
        language = self.get_form_language(request, issue)
        address = reverse("admin:newsletter_issue_change", args=[issue.pk])
        return HttpResponseRedirect(f"{address}?language={language}{place}")

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj:
            shown, language = Issue.objects.with_contents().get(pk=obj.pk), get_language() or "en"
            rows = panels.editions(shown, language)
            context |= {
                "contents": panels.contents(shown, language),
                "stages": list(Stage),
                "editions": rows,
                "settled": settled.names(shown),
                "issue": shown,
                "may_edit": self.has_change_permission(request),
                "may_send": request.user.has_perm("newsletter.send_issue"),
            }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    # --- pages of our own ---------------------------------------------------------------------------------------

    def get_urls(self):
        own = [
            ("send/", sending.send, "send"),
            ("progress/", progress.show, "progress"),
            ("progress/now/", progress.fragment, "progress_now"),
            ("unknowns/", unknowns.show, "unknowns"),
            ("figures/", figures.show, "figures"),
            ("problems/", problems.overview, "problems_of_all"),
            ("problems/<str:language>/", problems.show, "problems"),
            ("preview/<str:language>/", preview.show, "preview"),
            ("preview/<str:language>/html/", preview.html, "preview_html"),
            ("preview/<str:language>/text/", preview.text, "preview_text"),
            ("board/", board.show, "board"),
            ("board/outdated/", board_outdated.show, "outdated"),
            ("board/move/", board_moves.move, "board_move"),
            ("translate/<str:language>/<str:what>/", translate.show, "translate"),
            ("translate/<str:language>/<str:what>/keep/", translate_answers.keep, "translate_keep"),
            ("translate/<str:language>/<str:what>/aid/", translate_answers.aid, "translate_aid"),
            ("translate/<str:language>/<str:what>/preview/", translate_answers.preview, "translate_preview"),
            ("translate/<str:language>/<str:what>/remarks/", translate_remarks.write, "translate_remark"),
            *exchange.PAGES,
            ("trial/", trials.send, "trial"),
            ("editions/<str:language>/test/", moves.test_mail, "test_mail"),
            ("history/<str:language>/<str:what>/", history.show, "text_history"),
            ("history/<str:language>/<str:what>/restore/", history.restore, "text_restore"),
            ("editions/<str:language>/ready/", moves.ready, "ready"),
            ("editions/<str:language>/draft/", moves.draft, "draft"),
            ("editions/<str:language>/unschedule/", moves.unschedule, "unschedule"),
            ("editions/<str:language>/release/", moves.release, "release"),
            ("editions/<str:language>/pause/", moves.pause, "pause"),
            ("editions/<str:language>/resume/", moves.resume, "resume"),
            ("editions/<str:language>/cancel/", moves.cancel, "cancel"),
        ]
        return [
            path(f"<int:pk>/{route}", self.admin_site.admin_view(view), name=f"newsletter_issue_{name}")
            for route, view, name in own
        ] + [
            path("next/", self.admin_site.admin_view(next_issue.start), name="newsletter_issue_next"),
            *super().get_urls(),
        ]
