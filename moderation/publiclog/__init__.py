"""Audit log: a Merkle tree of every decision, signed, witnessed and published, in which any tampering shows.

The log decides nothing and feeds no other topic. It copies the records of other topics byte for byte, in the order in
which it reads them. `tlog`, `entries` and `verify` are pure; `writer` alone appends, and `publisher` alone publishes.
"""
