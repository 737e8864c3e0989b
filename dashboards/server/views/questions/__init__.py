"""What the pages of questions and of the dictionary show beside their answers."""
