"""What the API answers and the console shows of one thing, built once."""
