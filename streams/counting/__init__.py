"""How many, and who: blocks of the source log, panes, author sketches, watermarks, sliding windows. Pure."""
