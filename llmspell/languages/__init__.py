"""Languages: values in, values out, functions of the host in between."""
