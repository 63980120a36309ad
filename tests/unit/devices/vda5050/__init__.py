"""Vehicles over VDA 5050."""
