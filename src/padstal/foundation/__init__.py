"""Foundation models, one file a role; the only package that imports laion_clap, transformers,
diffusers or dac."""
