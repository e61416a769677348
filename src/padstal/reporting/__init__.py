"""What people read: one self-contained page, a summary for pull requests, a card for every model."""
