"""The cost study: the same training steps, plain and under every prover, measured cell by cell.

cells → work → plan → measure (a process per cell) → result (raw JSON, kept after every cell) → report.
"""
