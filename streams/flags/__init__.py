"""Flags: pure folds that turn decisions into last-writer-wins registers, and the stores that hold these."""
