"""The cellar: dose, night, clock, refusals and how they are shown. Few, tiny, and free of every app above."""
