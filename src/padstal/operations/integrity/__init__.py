"""Whether what DVC keeps is what it says: `dvc.lock`, the cache, the remote, the workspace."""
