"""The signals that corroborate a harmful share: one file each.

A signal is a number that speaks against a hashtag besides the harm in its texts, such as the share of young accounts.
`base` defines a signal, `registry` finds every module of this package that has a `SIGNAL`. Every other room reads the
registry: policy schema and checks, evidence and its codec, rule evaluation, `explain`, backtest, statements of reasons.
So a new signal is a new file here:

1. Subclass `MeasuredSignal`, measure (m,) values from `Observations`, and assign an instance to `SIGNAL`.
2. Take the next free `order`, and as `column` the number of fields of a record (24 with the signals so far: see
   `streams.log.evidence`). Neither is ever changed or used again.
3. Translate its `statement` in `moderation/outward/statements/locale`.
4. Run `hushtag policy schema` with `--into config/policy.schema.json`, and with `--table --into docs/policy.md`.
5. Extend the lists of `tests/unit/streams/signals/test_registry.py` and the count in `test_toy_signal.py`.
"""
