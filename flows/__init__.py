"""Prefect flows: when, where, retries and what a person sees; the only place that imports `prefect`."""
