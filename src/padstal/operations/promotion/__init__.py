"""Champion and challenger: frozen prompts, the duel on them, the gate, and the register of promotions in git's tags."""
