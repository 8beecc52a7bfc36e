"""Explanation of one hashtag: why it is hidden or shown, for the command, the API and the statements of reasons.

- `sources` reads Kafka and Redis; `gather_report` and `gather_explanation` are the entry points.
- `hashtag_report` combines the decisions, overrides and flags (pure).
- `evidence_report` compares the last evidence with the policy (pure).
- `signal_report` has each rule's signals (pure).
- `changes` has the conditions that would hide or clear the hashtag (pure).
- `word_report` has the words of its tweets that moved the model.
- `explanation` combines these and renders JSON.
- `sentence` is the explanation in one sentence, `brief` in 15 lines; `printer` prints all of it on a terminal.
- `flag_text` describes one flag in words, for pages.
"""
