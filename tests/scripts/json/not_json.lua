-- expect error: bad_value: JSON.parse: the text is not valid JSON: Expecting value: line 1 column 1 (char 0)
JSON.parse("x")
