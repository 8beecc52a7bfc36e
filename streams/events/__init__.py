"""Payloads of three shapes to one Tweet; hashtags by grammar. Pure: a record's bytes decide, nothing else."""
