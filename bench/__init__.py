"""What claims about performance rest on. Each bench prints ratios measured in one run, or exact counts."""
