-- Where a measurement becomes a disease. A number is derived, as its comment says how, or fitted: then it lies in the middle (of
-- the logarithms) between the sick and the healthy networks of tests/bench/diagnose.lua with an even seed, and docs/diagnose.md
-- reports how those with an odd seed are judged.

return {
  -- derived: a feature a hundred times smaller needs weights a hundred times larger, and steps 10^4 times larger (the curvature goes
  -- with the square), so one learning rate cannot serve both (LeCun et al. 1998, Efficient Backprop)
  feature_scales = 100,
  -- derived, from the same: mean m and deviation s give the curvature along the mean (m / s)^2 times that across it; and inputs ten
  -- times as large as the initializations expect make the first layer's outputs so
  input_mean = 5, input_std_high = 10, input_std_low = 0.02,
  -- derived: what dropout adds has p / (1 - p) times the power of what it leaves; from 0.85 on noise has 5 times the power
  dropped = 0.85,
  -- derived: a random unit at rest has its derivative near the largest; two in five below a tenth of it is no accident
  saturated = 0.4,
  -- fitted: fresh He networks of 10 layers have up to a tenth of dead units, trained ones a fifth
  dead = 0.3,
  -- a single layer may lose some more (narrow ones do by chance); all layers together not
  dead_in_every_layer = 0.22,
  -- derived: the first layers learn a hundred times slower, and each layer takes part in it
  depth_ratio = 1 / 100, depth_per_layer = 0.8,
  -- fitted: over time a gradient may fall further than over layers, as the weights get the sum over all steps
  time_ratio = 1e-4, time_explodes = 1e3,
  -- derived: what differs between samples is a thousandth of the power
  collapsed = 1e-3, activations_ratio = 1 / 100,
  -- derived: hundreds of batches for one direction
  signal = 0.05,
  -- of its weight's size a step is usually a thousandth; a tenth throws the weights about
  update_large = 0.1,
  -- fitted: the share of the loss by which a step can lower it, at most (the product of the norms of gradient and step)
  progress = 3e-4, update_small = 1e-6,
  -- derived: the mean of n values has 1 / sqrt(n) of their deviation, the variance sqrt(2 / n): at 8 samples half of it is chance
  norm_batch = 8, norm_conditioning = 1e-8,
  -- derived: targets a twentieth of which no output can reach are another range, not outliers
  out_of_reach = 0.05,
  overconfident = 5,
  -- half of a layer's units as copies of others: not the two or three that are so by accident
  twins = 0.5,
}
