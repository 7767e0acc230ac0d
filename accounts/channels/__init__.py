"""Ways out of the house to the people who work in it. They talk to the outside and decide nothing."""
