"""Rows and plans in the words of a patient's page. Nothing here asks the database or the clock."""
