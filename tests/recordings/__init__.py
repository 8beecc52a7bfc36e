"""Recordings of what the product answers: API, pages, commands and replays, as files that `diff -r` compares.

A change of structure must leave every byte equal. `python -m tests.recordings FOLDER` writes the files of one commit.
"""
