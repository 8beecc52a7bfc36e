"""Parser: payloads of three shapes to `Tweet` or `Control`, and the hashtag grammar. A function of the bytes alone."""
