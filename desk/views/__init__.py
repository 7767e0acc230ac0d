"""The clinic's pages: load what the actor may see, call one deed, answer."""
