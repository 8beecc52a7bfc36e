"""Backup, restore and reshard: what no source can rebuild is kept, and everything else begins again.

A backup is a folder with the records of people's decisions, policies, models and the audit log's topics. A restore
writes them into empty topics. Decisions and policies get their former offsets, because versions and the audit log refer
to offsets. The topics of the shards begin at offset 0, so their *incarnation* rises: every version of an automated
decision begins with it.
"""
