"""Provers of training steps behind one interface: this project's two, and others' to compare with."""
