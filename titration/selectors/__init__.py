"""Questions of titration."""
