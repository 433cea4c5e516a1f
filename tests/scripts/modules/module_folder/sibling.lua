return {value = "sibling"}
