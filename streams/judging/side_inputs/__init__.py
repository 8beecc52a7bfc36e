"""Side inputs of a shard: records besides the tweet counts that change the evidence of a window."""
