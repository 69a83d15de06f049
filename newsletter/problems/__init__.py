"""What an editor should know before an edition goes out: what must not go out like this, and what to look at.

`of` looks at everything; `forbidding` only at what blocks, wherever something is about to be sent; `of_sender` at what
is the same for every edition. Nothing here goes out to ask: `newsletter.link_checks` and `newsletter.sender_domain` do,
in the background.
"""

from newsletter.problems.before_sending import forbidding, of, of_sender
from newsletter.problems.contents import too_early
from newsletter.problems.problem import Group, Kind, Place, Problem
from newsletter.problems.together import together

__all__ = ["Group", "Kind", "Place", "Problem", "forbidding", "of", "of_sender", "together", "too_early"]
