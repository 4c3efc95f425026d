"""Experiments on small drawn films."""
