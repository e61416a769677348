"""What is expected of data, and whether it holds: Great Expectations, drift, data docs."""
