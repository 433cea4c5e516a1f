plain_loads = (plain_loads or 0) + 1
return {name = ..., path = select(2, ...)}
