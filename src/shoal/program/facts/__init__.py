"""What is known about a program: domains, tables, joint values, widths."""
