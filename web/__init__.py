"""Shared parts of web pages: assets, security headers, staff access, live lists, SVG, and the server."""
