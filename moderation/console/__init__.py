"""The moderators' console: pages on the services of the API, under its access control.

Pages are read from the server as HTML. A page never writes: its forms send the calls of the API (`/v1/...`), so every
rule about rights, blinding, versions and idempotency holds once. `app` mounts every module with a `router`, `route`
guards them, `render` fills the templates. One module, one template and at most one script belong to each page.
"""
