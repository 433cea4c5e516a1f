-- Lua's own arithmetic on numeric strings, methods on strings, and what is left of the library.
-- expect: 11	15.0	X
-- expect: nil	nil	nil	nil	nil
-- expect: table	nil	nil
-- expect: function	function	nil	nil
print("10" + 1, "5" * 3.0, ("x"):upper())
print(debug, package, dofile, loadfile, python)
print(type(os), io, os.execute)
print(type(os.time), type(os.getenv), os.remove, string.dump)
