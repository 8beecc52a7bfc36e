"""How many authors joined a hashtag in which minute, and what happened meanwhile."""
