"""Texts behind a decision: read by position from the source topic, kept encrypted, and each reading audited.

- `shown` matches a source record with the tweet that a decision names (pure).
- `source_texts` reads records of `tweets` at positions.
- `kept_texts` keeps texts that people have read until the appeal period ends; `cipher` encrypts them.
- `readings` has the record of a reading, for the audit log; `exposure` counts them in a shift (pure).
- `reader` joins them; the API and `hushtag cases texts` use it.
- `case_texts` reads the texts of a case; `case_sample` lists its tweets without texts.
"""
