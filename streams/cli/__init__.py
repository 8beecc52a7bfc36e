"""Commands of the pipeline, one module for each command or group."""
