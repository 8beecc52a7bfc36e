"""What leaves the platform: reports, statements, notices, replies and schemas."""
