-- Where a measurement becomes a disease. A number is derived, as its comment says how; or chosen, a round number whose meaning
-- its comment says; or fitted: then it lies in the middle (of the logarithms) between the sick and the healthy networks of
-- tests/bench/diagnose.lua with an even seed, and docs/diagnose.md reports how those with an odd seed are judged.

return {
  -- derived: a feature a hundred times smaller needs weights a hundred times larger, and steps 10^4 times larger (the curvature
  -- goes with the square), so one learning rate cannot serve both (LeCun et al. 1998, Efficient Backprop)
  feature_scales = 100,
  -- derived, from the same: mean m and deviation s give the curvature along the mean (m / s)^2 times that across it; and inputs
  -- ten times as large as the initializations expect make the first layer's outputs so
  input_mean = 5, input_std_high = 10, input_std_low = 0.02,
  -- derived: what dropout adds has p / (1 - p) times the power of what it leaves; from 0.85 on noise has 5 times the power
  dropped = 0.85,
  -- chosen: a random unit at rest has its derivative near the largest; two in five below a tenth of it is no accident
  saturated = 0.4,
  -- chosen: two in five of a layer, as of saturated units; fresh He networks of 10 layers have up to a fifth in their last ones
  dead = 0.4,
  -- fitted: of all layers together; healthy ones have up to 0.27 (but for two inputs that are never negative: 0.39), sick ones
  -- 0.39 and more
  dead_in_every_layer = 0.325,
  -- chosen: the first layers learn a hundred times slower, and each layer takes part in it
  depth_ratio = 1 / 100, depth_per_layer = 0.8,
  -- derived: the weights get the sum over all steps, so a step counts until it is lost in the noise of the others. With noise as
  -- large as the signal (usual for a batch) a part of 1e-4 takes 1e8 samples to be seen. What grows a hundred times over
  -- time makes the first step drown all others, as over layers
  time_ratio = 1e-4, time_explodes = 100,
  -- chosen: what differs between samples is a thousandth of the power
  collapsed = 1e-3, activations_ratio = 1 / 100,
  -- chosen: hundreds of batches for one direction; and what n batches of noise alone look like is half of 1 / sqrt(n)
  signal = 0.05, signal_noise = 0.6,
  -- chosen: of its weight's size a step is usually a thousandth; a tenth throws the weights about
  update_large = 0.1,
  -- fitted: the share of the loss by which a step can lower it, at most (the product of the norms of gradient and step): sick
  -- ones 2e-5 to 9e-4, fresh healthy ones from 1e-2 on. Networks that are nearly done are not asked: their gradient is small
  progress = 3e-3, update_small = 1e-6,
  -- chosen: a network has still to learn while its loss is above a fifth of what guessing gives
  unfinished = 0.2,
  -- fitted: the largest step of all weights, as a share of its size: sick ones up to 6e-5, healthy ones from 1.1e-3 on
  update_slow = 2.6e-4,
  -- derived: the mean of n values has 1 / sqrt(n) of their deviation, the variance sqrt(2 / n): at 8 samples half of it is chance
  norm_batch = 8, norm_conditioning = 1e-8,
  -- chosen: targets a twentieth of which no output can reach are another range, not outliers
  out_of_reach = 0.05,
  -- derived: a hundred times larger than the outputs, with steps of a thousandth a hundred thousand steps away
  target_scale = 100,
  -- derived: fresh outputs of size 1 cost little more than guessing (log n + 1/2); 5 times that comes from outputs of 10 and more
  overconfident = 5,
  -- chosen: half of a layer's units as copies of others: not the two or three that are so by accident
  twins = 0.5,
}
