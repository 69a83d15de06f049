"""Wagtail's search (the package modelsearch) on PostgreSQL, as its documentation sets it up, with an index in each
language's own configuration. Runs in an environment of its own, on a copy of our database."""
