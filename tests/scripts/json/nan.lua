-- expect error: bad_value: JSON.parse: the text is not valid JSON: NaN is not a finite number
JSON.parse("NaN")
