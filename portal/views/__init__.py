"""The patient's pages by noun: load, let one deed happen, answer."""
