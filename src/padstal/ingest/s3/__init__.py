"""Sources in S3-compatible stores: listed, mirrored, checked, removed."""
