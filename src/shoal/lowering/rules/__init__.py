"""Ways to have an s-op in a form, one file each; ``registry`` lists them."""
