"""What was saved after an edition was frozen changes its page in the archive, and no mail: the person is told so."""

from collections.abc import Sequence

from django.contrib import messages
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from newsletter import translating
from newsletter.models import Issue
from newsletter.rendering import language_name


def names(issue: Issue) -> list[str]:
    """The languages whose mails are settled, in the order of the masthead, named in the active language."""
    frozen = {edition.language for edition in issue.editions.all() if edition.frozen_at}
    return [language_name(code, get_language() or "en") for code in translating.LANGUAGES if code in frozen]


def tell(request: HttpRequest, issue: Issue, form: ModelForm, formsets: Sequence[BaseInlineFormSet]) -> None:
    """One message, if anything was changed and anything is settled. For `save_related`, once all is saved."""
    rows = [row for rows in formsets for row in (rows.new_objects, rows.changed_objects, rows.deleted_objects)]
    settled = names(issue) if form.changed_data or any(rows) else []
    if settled:
        words = _(
            "The mails of these editions are settled: %s. What you saved does not change them; it is seen in the "
            "archive only."
        )
        messages.warning(request, words % ", ".join(settled))
