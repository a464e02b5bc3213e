"""One file for each command: SUMMARY, EXAMPLES, add_arguments and run."""
