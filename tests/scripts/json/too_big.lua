-- expect error: bad_value: JSON.parse: the integer at $ does not fit into 64 bits
JSON.parse("9223372036854775808")
