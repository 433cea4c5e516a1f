export default "from the path"
