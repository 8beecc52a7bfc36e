"""The signals that corroborate a harmful share: one file each.

A signal is a number that speaks against a hashtag besides the harm in its texts, such as the share of young accounts.
`base` defines a signal, `registry` finds every module of this package that has a `SIGNAL`. Every other room reads the
registry: policy schema and checks, evidence and its codec, rule evaluation, `explain`, backtest, statements of reasons.
So a new signal is a new file here:

1. Subclass `MeasuredSignal`, measure (m,) values from `Observations`, and assign an instance to `SIGNAL`.
2. Give it an `order` above all others. The registry numbers its column of evidence by it.
3. Test its `measure`.

What follows from the file is generated or translated: run `hushtag policy schema` with
`--into config/policy.schema.json` and with `--table --into docs/policy.md`, and translate its `statement` in
`moderation/outward/statements/locale`.
"""
