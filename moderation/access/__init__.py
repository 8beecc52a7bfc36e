"""Who may call, as whom, how often, and what of the machine's numbers the caller may see."""
