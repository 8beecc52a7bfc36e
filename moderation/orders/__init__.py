"""Legal orders: intake, selection, deadlines, the desk that writes, and what is told to whom. All but the desk is pure.

What an order is and whether a step or a ruling counts is in `streams.orders.fold`, for the publish stage must know it
too.
"""
