"""The segment argument in plain integers: standard library only, slow, to be read with docs/segment.md."""
