"""What is decided and why: cases, appeals, orders, speakers, texts, crowds, calibration. No web, no Kafka."""
