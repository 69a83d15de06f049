"""django-post_office, as its documentation sets it up. Runs in an environment of its own, with nothing of ours."""
