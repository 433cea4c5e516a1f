-- expect error: read_only: JSON.null is read-only; give your own variable another name
JSON.null.x = 1
