"""The board of difficulties: 25 groups by owner and age, and the list behind each."""
