"""People's side: what moderators decide, and how it is written down. The records and folds are in `streams`."""
