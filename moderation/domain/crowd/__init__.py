"""Authors of a hashtag minute by minute, and the decisions meanwhile."""
