"""Policies for the API: checked, put live through the topic, and tried on the past or in the shadow."""
