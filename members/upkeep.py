"""What is done every hour, by the beat or by hand (`manage.py members_upkeep`).

Each deed may be done at any time, any number of times at once; it takes `now` and returns how many rows it concerned.
Due and not yet done is done, and recorded: a site that was switched off for a week catches up.
"""

from collections.abc import Callable

from members.applying import expire_drafts, remind_drafts, remind_referees
from members.confirming import remind_to_confirm
from members.forgetting import expire_applications
from members.former_people import expire_contacts
from members.leftovers import tidy_files
from members.profiles import expire_profile_changes
from members.reminding import remind_of_fees
from members.reports import tell_published_reports

# The beat's entries carry these names; see picum/settings.py.
DEEDS: dict[str, Callable[..., int]] = {
    deed.__name__: deed
    for deed in (
        tidy_files,
        expire_contacts,
        remind_to_confirm,
        expire_profile_changes,
        remind_of_fees,
        expire_drafts,
        remind_drafts,
        remind_referees,
        expire_applications,
        tell_published_reports,
    )
}
