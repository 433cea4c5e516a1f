// expect error: bad_value: the result cannot be passed on: cannot store a Map (at $)
export default new Map()
