"""Books computed anew from raw events, compared with those that are kept, and put in their place."""
