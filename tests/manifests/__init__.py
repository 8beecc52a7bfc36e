"""Check of the Kubernetes manifests: generated files are current, both overlays render, and each object is valid.

`make check` runs `python -m tests.manifests`; `python -m tests.manifests --write` renews the generated files.
"""
