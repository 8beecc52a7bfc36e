"""Statements of reasons: one decision rendered for the affected user, the EU's public database and the Lumen archive.

Each rendering is computed from the decision record on request and stored nowhere, so none can contradict the record.
"""
