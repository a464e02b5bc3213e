"""From tables to MLPs: the forms that an MLP of one hidden layer can take, one file each."""
