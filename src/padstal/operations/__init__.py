"""What keeps a pipeline trustworthy over time: promotion, lineage, integrity, tracking."""
