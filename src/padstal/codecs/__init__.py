"""Audio to latent and back: the autoencoders, their objectives, and latents on disk."""
