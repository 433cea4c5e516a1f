-- Without a grant a module that is there and one that is not give the same answer.
-- expect: access_denied	require: 'nowhere' is not granted to this script
local _, e = pcall(require, "nowhere")
print(e.code, tostring(e))
