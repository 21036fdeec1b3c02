"""The semantic layer: catalog, planner, compiler, reader."""
