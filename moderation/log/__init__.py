"""Appends to the moderation topic, and what is read beside it: one service, one producer, the records' drafts."""
