"""From a prompt and a seed to audio: solvers, guidance, and what CADS and PADS do to the conditioning (PADS-TAL 2.1)."""
