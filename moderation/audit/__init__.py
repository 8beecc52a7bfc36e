"""The audit log: everything that was decided, by whom or what, in one hash-chained topic that shows any tampering.

It decides nothing and is nobody's source: it copies the records of the other topics, word for word, in the order in
which it met them. `chain` and `verify` are pure; `writer` is the one process that may write.
"""
