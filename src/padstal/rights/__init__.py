"""Whose music it is and what may be done with it: licences, policy, terms, attribution, tombstones."""
