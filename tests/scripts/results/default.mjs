// expect result: {"answer": 42}
const answer = 42
export default { answer }
