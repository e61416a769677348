"""From a prompt and a seed to audio: solvers, guidance, and CADS and PADS on the conditioning (PADS-TAL 2.1)."""
