"""From decisions to flags. The folds are pure: they take records and give the registers to write."""
