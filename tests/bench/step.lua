-- The training step as a user writes it.

---@param model function
---@param criterion function
---@param opt table
---@param x nn.Tensor
---@param y nn.Tensor
---@return function
return function(model, criterion, opt, x, y)
  return function()
    opt:zero_grad()
    local loss = criterion(model(x), y)
    loss:backward()
    opt:step()
    return loss
  end
end
