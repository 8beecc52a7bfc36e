"""Decisions and their reasons: cases, appeals, orders, speakers, texts, crowds, calibration. No web, no Kafka."""
