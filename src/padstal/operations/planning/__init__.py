"""What a scale will take before anything runs: parameters, arithmetic, memory, disk and hours of every stage."""
