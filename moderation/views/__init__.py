"""Views: each thing as the API answers it and the console shows it, built once."""
