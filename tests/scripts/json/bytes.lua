-- expect error: bad_value: JSON.stringify: bytes that are no UTF-8 cannot be written as JSON (at $.a[1])
JSON.stringify({a = {"\255"}})
