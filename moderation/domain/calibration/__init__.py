"""Calibration: labels by people fit the scale of the live model to this platform.

A label states whether one text is harmful. Labels come from files, from the API and from markings in cases. `labelled`
combines the labels of several people, `fitting` fits the scale, `service` puts the result live as a new model.
"""
