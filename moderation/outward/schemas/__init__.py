"""Schemas for programs in other languages: registers, records of the topics, webhooks. Generated from the code."""
