"""Verification of what is published: statements of reasons, orders' replies, transparency reports, the log itself.

`verify_proof.py` verifies. It is the file that outsiders download, `docs/verify_proof.py`, by a link; nothing else here
repeats what it does. Everything works on files and keys alone, so that a third party can run it: nothing reads Kafka or
settings. Keys are arguments; they never come from the files that are verified.
"""
