"""Fixtures that tests of commands share with those of promotion."""

from tests.operations.promotion.conftest import first_world, world

__all__ = ["first_world", "world"]
