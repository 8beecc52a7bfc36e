"""Evaluation of scorers on texts outside their training, and the gate for new artefacts."""
