"""Legal orders: intake, target selection, rulings, letters and public outcomes. All but the service and CLI is pure.

`streams.orders` defines the records and decides which of them are accepted, because the publish stage needs both.
"""
