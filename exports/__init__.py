"""Files that leave: asked for, made in the background, fetched by who asked, gone after a day."""
