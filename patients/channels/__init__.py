"""Ways out of the house. They talk to the outside and decide nothing."""
