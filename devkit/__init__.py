"""Development tools: local servers, simulation, demo and scenario. A production image leaves them out."""
