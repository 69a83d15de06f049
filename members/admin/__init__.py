"""The secretariat's desk. A module for each kind of page."""

from members.admin import (  # noqa: F401  # they register themselves
    applications,
    assemblies,
    categories,
    documents,
    fees,
    members,
    profiles,
    reports,
)
