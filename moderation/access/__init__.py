"""Access of callers: who may call, as whom, how often, and which numbers of the machine the caller may see."""
