"""Windows of a shard: open and settled panes, and the sliding windows over them. No I/O."""
