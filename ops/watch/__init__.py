"""What an operator looks at from the command line."""
