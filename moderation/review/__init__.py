"""Reviews of held decisions, a blind sample of automated suppressions, and appeals.

The queue is not stored. It is the items that the decisions ask for (`items`) without the reviews done (`fold`), both
folded from the two topics on each look.
"""
