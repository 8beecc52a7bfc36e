"""Commands of moderation, a module for each group."""
