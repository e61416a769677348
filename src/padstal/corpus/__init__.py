"""Music that the project composes itself: composer, renderer, planted faults and their truth."""
