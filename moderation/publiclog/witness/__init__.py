"""Witness of logs (C2SP tlog-witness): cosigns a checkpoint only if it extends the last one that it cosigned.

`core` decides, `state` persists, `server` speaks HTTP. It needs neither Kafka nor Redis, and should run elsewhere, in
the hands of people who do not run the log.
"""
