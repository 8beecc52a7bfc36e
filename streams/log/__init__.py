"""Records of hushtag's topics: their formats, and the readers, senders and settings of the topics."""
