"""Mails to members, applicants and referees: each is a builder that `picum.letters.post` knows by its kind.

A module for each part; imported by the app's `ready`, so that a worker knows them all.
"""

from members.mails import applications, applying, fees, people, profiles, reports  # noqa: F401
