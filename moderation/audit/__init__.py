"""Audit log: one hash-chained topic of every decision, in which any tampering shows.

The log decides nothing and feeds no other topic. It copies the records of other topics byte for byte, in the order in
which it reads them. `chain` and `verify` are pure; `writer` is the only process that may write.
"""
