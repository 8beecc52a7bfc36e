"""`hushtag scenario`: whole stories on the local stack, each with an end that is checked against the log."""
