"""`params.yaml`, typed: one module a section, each named as the stage that reads it."""
