"""One case for each hashtag: everything that waits for a person about it, and everything that people did with it.

A case is not stored. It is folded on each look from the automated decisions, people's overrides, the appeals and the
records of this room (`records`).
"""
