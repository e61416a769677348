"""Which clips are fit to train on, and what they are called: scores, captions, duplicates, likelihood, splits."""
