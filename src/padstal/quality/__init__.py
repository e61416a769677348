"""Is the data fit to train on: expectations, p-MOS levels, duplicates, likelihood, splits."""
