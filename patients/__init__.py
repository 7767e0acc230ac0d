"""The people in a clinic's care: who they are, what they have, what they take, and the phone they write from."""
