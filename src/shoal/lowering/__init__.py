"""From the nodes of a program to craft components."""
