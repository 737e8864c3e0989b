"""What runs the city: settings, health, the stack and the command line."""
