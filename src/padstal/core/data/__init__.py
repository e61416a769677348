"""What is written and what it is called: atomic files, content addresses, the manifest, units, ledgers."""
