-- Second names: what NumPy or PyTorch calls an op that has another name here, where the arguments are the same. Both names
-- work, as functions and as methods; docs/reference/names.md shows them.

local names = [[
absolute=abs fabs=abs arccos=acos arccosh=acosh arcsin=asin arcsinh=asinh arctan=atan arctan2=atan2 arctanh=atanh rint=round
fix=trunc degrees=rad2deg radians=deg2rad divide=div true_divide=div multiply=mul subtract=sub power=pow negative=neg
mod=remainder invert=bitwise_not left_shift=bitwise_left_shift right_shift=bitwise_right_shift greater=gt greater_equal=ge
less=lt less_equal=le not_equal=ne concatenate=cat concat=cat expand_dims=unsqueeze row_stack=vstack in1d=isin product=prod
alltrue=all sometrue=any cumproduct=cumprod clip=clamp copy=clone identity=eye argwhere=nonzero
take_along_axis=take_along_dim trapz=trapezoid array_split=tensor_split movedim=moveaxis swapdims=swapaxes inverse=inv
pinverse=pinv ger=outer symeig=eigh expit=sigmoid gammaln=lgamma psi=digamma view_as=reshape_as split_with_sizes=split
binary_cross_entropy_with_logits=bce_with_logits
]]

local map = {}
for theirs, ours in names:gmatch "(%S+)=(%S+)" do
  map[theirs] = ours
end
return map
