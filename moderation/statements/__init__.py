"""Statements of reasons: one decision, told to the public database, to the affected user, and to the Lumen archive.

All are renderings of the decision record, made when they are asked for and kept nowhere, so that none of them can say
something else than the record does.
"""
