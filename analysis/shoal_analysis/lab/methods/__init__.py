"""Methods of the field on the models of cases, by the packages that offer them, unchanged."""
