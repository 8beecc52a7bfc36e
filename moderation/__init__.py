"""Human decisions: services, commands and the HTTP API; their records and folds are in `streams`."""
