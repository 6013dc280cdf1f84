"""Files made to do harm, by a grammar, and how each must end."""
