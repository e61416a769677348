"""Files and content addresses."""
