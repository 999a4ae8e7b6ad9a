-- What losses say of wrong arguments.

local lu = require "luaunit"
local nn = require "nn"

TestLosses = {}

function TestLosses:test_losses_name_what_is_wrong()
  local function fails(text, f, ...)
    lu.assertErrorMsgContains(text, f, ...)
  end
  local smooth = nn.CrossEntropyLoss { label_smoothing = 0.1 }
  fails("CrossEntropyLoss(label_smoothing = 0.1): target index 4 (element 1 of the index) is out of range 1..3 (input 2x3)", smooth, nn.ones(2, 3), nn.tensor { 4, 1 })
  fails("MultiMarginLoss(): target index 0", nn.MultiMarginLoss(), nn.ones(2, 3), nn.tensor { 0, 1 })
  fails("MarginRankingLoss(): needs a third tensor of 1 and -1", nn.MarginRankingLoss(), nn.ones(2), nn.ones(2), nn.ones(3))
  fails("MarginRankingLoss(): the target must be a tensor, but is nil", nn.MarginRankingLoss(), nn.ones(2), nn.ones(2))
  fails("one for each pair (shape 2), but it has shape 3", nn.CosineEmbeddingLoss(), nn.ones(2, 3), nn.ones(2, 3), nn.ones(3))
  fails("Embedding(3, 4): index 4 (element 1 of the index) is out of range 1..3", nn.Embedding(3, 4), nn.tensor { 4 })
  fails("diagnose.look: loader must be a loader", nn.diagnose, nn.Linear(2, 2), nil, nn.MSELoss())
  fails("linear_regions: the net must be a Sequential", nn.theory.linear_regions, nn.Linear(2, 2))
end
