"""Documents and messages that leave the platform: reports, statements, notices, replies and schemas."""
