"""The demo scale's world: a composer, planted faults and their truth, and the training of small foundation models."""
