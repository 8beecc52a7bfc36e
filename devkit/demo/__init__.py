"""The demo: the whole system on this machine, with a simulated campaign, watched from outside and judged at the end."""
