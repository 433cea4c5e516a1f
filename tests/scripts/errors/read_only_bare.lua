-- expect error: read_only: sleep is read-only; give your own variable another name
sleep = 5
