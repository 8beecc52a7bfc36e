"""Transparency log: Merkle tree, signed notes, checkpoints, cosignatures, tiles and proofs, as pure functions.

Formats are those of C2SP (signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-proof); the tree is that of
RFC 6962. Nothing here reads or writes: callers pass functions that read tiles, and store what is returned.
"""
