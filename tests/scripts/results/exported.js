// expect result: 7
export default await Promise.resolve(7)
