"""Champion and challenger: frozen prompts, head to head on them, the gate, and promotions as git's tags."""
