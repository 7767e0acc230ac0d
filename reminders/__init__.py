"""The bell: reads what is due, says so once, and shows what it could not know."""
