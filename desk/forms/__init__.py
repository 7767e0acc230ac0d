"""Forms of the clinic's pages: they clean what was typed into plain values and save nothing."""
