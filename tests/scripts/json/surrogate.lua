-- expect error: bad_value: JSON.parse: the text at $ has a lone surrogate
JSON.parse('"\\ud800"')
