-- nn.io.image: pictures in and out (src/io/picture.c).

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

local kind_of_name = { png = "png", jpg = "jpeg", jpeg = "jpeg", ppm = "pnm", pgm = "pnm" }

-- A picture as it is written: uint8, channels x height x width.
local function as_bytes(x)
  x = x.ndim == 2 and x:unsqueeze(1) or x
  local channels = x.ndim == 3 and x:size(1) or 0
  if channels < 1 or channels > 4 or x:numel() == 0 then
    core.raise(("image: a picture is channels x height x width with 1 to 4 channels, or height x width, but has shape %s"):format(
      tostring(x.shape)))
  elseif x.dtype:find "float" then
    local low, high = x:min():item(), x:max():item()
    if low ~= low then
      core.raise "image: floats of a picture lie in 0..1, but some are nan"
    elseif low < 0 or high > 1 then
      core.raise(("image: floats of a picture lie in 0..1, but are in %g..%g; scale them, e.g. (x - x:min()) / (x:max() - "
        .. "x:min())"):format(low, high))
    end
    x = (x:detach() * 255):round()
  elseif x.dtype == "bool" then
    x = x:to("uint8") * 255
  end
  return x:to("uint8"):contiguous()
end

---Reads a picture (PNG, JPEG, PPM, PGM) as uint8 of channels x height x width, or writes one where a tensor is given: uint8, or
---floats in 0..1, of channels x height x width or height x width; the name's end says the format (.png, .jpg, .ppm, .pgm). Each
---element is one pixel. Channels are gray, gray and opacity, red green blue, or these and opacity.
---Options: channels (reading: 1, 2, 3 or 4; default as in the file; opacity that is not asked for is laid on white), quality
---(writing JPEG: 1 to 100, default 90).
---@param path string
---@param x? nn.Tensor|table a picture; or the options, where one is read
---@param opts? {channels: integer, quality: integer}
---@return nn.Tensor? uint8, channels x height x width
---example:
---  > nn.io.image("/tmp/nn-help-x.pgm", nn.tensor {{0.0, 0.5, 1.0}})
---  > nn.io.image("/tmp/nn-help-x.pgm")
---  tensor([[[  0, 128, 255]]], shape=1x1x3, uint8)
---  > nn.io.image("/tmp/nn-help-x.pgm", {channels = 3}):to "float32":div(255).shape
---  3x1x3
---see: nn.plot.image, nn.io.npy, nn.data.tensors
function M.image(path, x, opts)
  if type(path) ~= "string" or path:find("\0", 1, true) then
    core.raise(("image: the path must be a string without zeros, but is %s"):format(core.describe(path)))
  end
  local reads = not core.is_tensor(x)
  if reads and opts == nil then
    x, opts = nil, x
  end
  if reads and x ~= nil then
    core.raise(("image: what is written must be a tensor, but is %s"):format(core.describe(x)))
  elseif reads then
    local o = options.read("image", opts, { channels = { "integer", 0, least = 1, most = 4 } })
    local file, why = io.open(path, "rb")
    local bytes = file and file:read "a"
    if file then
      file:close()
    end
    if not bytes then
      core.raise(("image: %s"):format(why or path .. ": cannot be read"))
    end
    return core.picture_decode(bytes, o.channels, path)
  end
  local o = options.read("image", opts, { quality = { "integer", 90, least = 1, most = 100 } })
  local ending = path:match "%.(%w+)$" or ""
  local kind = kind_of_name[ending:lower()]
  local picture = as_bytes(x)
  local channels = picture:size(1)
  if not kind then
    core.raise(("image: %s: the name must end in .png, .jpg, .ppm or .pgm, which says the format"):format(path))
  elseif kind ~= "png" and channels % 2 == 0 then
    core.raise(("image: %s: %d channels are with opacity, which only .png has"):format(path, channels))
  elseif ending:lower() == "pgm" and channels ~= 1 or ending:lower() == "ppm" and channels == 2 then
    core.raise(("image: %s: a .pgm has one channel, but the picture has %d; name it .ppm"):format(path, channels))
  end
  picture = ending:lower() == "ppm" and picture:expand(3, -1, -1):contiguous() or picture
  core.picture_write(path, picture, kind, o.quality)
end

return M
