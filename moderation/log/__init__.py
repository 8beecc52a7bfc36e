"""Appends to the moderation topic and reads of it: one service, one producer, the records' drafts."""
