"""What every part stands on: protocols, params, paths, data, git, dvc.lock."""
