"""Metadata of published datasets, read as they are published: one file a layout."""
