"""Legal orders, account facts and protected speakers: records, states and their fold."""
