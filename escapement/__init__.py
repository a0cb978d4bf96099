"""Command line, demo and reports: wires zkml, ivc and vdf together and computes nothing itself."""

__version__ = "0.1.0"
