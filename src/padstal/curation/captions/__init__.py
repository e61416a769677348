"""Captions that fit their audio: similarity, the decision table, merging (QA-MDT 4.3)."""
