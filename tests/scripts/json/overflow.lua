-- expect error: bad_value: JSON.parse: the number at $ is not finite (inf)
JSON.parse("1e999")
