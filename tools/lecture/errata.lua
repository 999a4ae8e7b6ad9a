-- docs/errata.md: what is wrong on the slides. Each: the slide, its sentence, what is right and why, the script that measures it;
-- the measurement is the finding of the last `make lecture`.

return {
  { slide = "Weight initialization - newer schemes", says = "Boils down to k Var(W) = 1/3. Thus W ~ U(±√6 / √(k + l)).",
    script = "25",
    right = [[
Forward, a linear layer with k inputs has `Var(out) = k Var(W) Var(in)`; to keep the variance, `k Var(W) = 1`.
Backward, with l outputs, the same gives `l Var(W) = 1`. Glorot and Bengio take the middle, `Var(W) = 2 / (k + l)`
(their equation 12). `U(-a, a)` has variance `a² / 3`, so `a = √6 / √(k + l)`: the slide's formula is right, and for k
= l it has `k Var(W) = 1`. The 1/3 is of the old heuristic `U(-1/√k, 1/√k)`, which the paper argues against (its
equation 1 and section 4.2.1): there `k Var(W) = 1/3`.]] },
  { slide = "Weight initialization - newer schemes", says = "Note: for ReLU, use √3 instead of √6.", script = "25",
    right = [[
For `y = max(0, z)` with z symmetric around 0, `E[y²] = Var(z) / 2`: half of the signal's second moment is lost. To
make up for it, `k Var(W) = 2` (He et al. 2015, equation 10), that is `U(±√6 / √k)`: larger weights than tanh's, not
smaller ones. √3 gives `k Var(W) = 1/2`, a quarter of what is needed, and halves the signal in every layer (`√(1/2 ·
1/2)`).]] },
  { slide = "Weight initialization - simple schemes", says = "LeCun 1998: make sure layer output has variance of 1. Heuristic: "
    .. "W ~ U(-1/k, 1/k).",
    script = "24", right = [[
`U(-1/k, 1/k)` has variance `1 / (3k²)`, so `k Var(W) = 1 / (3k)`: the wider the layer, the smaller its output. LeCun
et al. ask for a deviation of `1/√k` (their equation 16), `k Var(W) = 1`, that is `U(±√3/√k)`. (The name U(-1/√k,
1/√k) is given to the "standard" heuristic, with 1/3.)]] },
  { slide = "How powerful are neural networks?", says = "d_VC ≤ O(W log(c M)).", script = "09", right = [[
Baum and Haussler (1989) prove `2 W log₂(e M)` for units with a threshold. For piecewise linear units the dimension is
of order `W L log W` (Bartlett et al. 2019); for sigmoid and tanh units there are nets with a dimension of order `W²`
(Koiran & Sontag 1997), so that no bound of order `W log M` can hold for them. The best known upper bound is of order
`(W M)²` (Karpinski & Macintyre 1997).]] },
  { slide = "Weight initialization - newer schemes (Saxe 2014)", says = "Keep determinant of Jacobian close to 1, then you "
    .. "won't lose much information.",
    script = "26", right = [[
The determinant is the product of the singular values. `diag(1000, 1/1000)` has determinant 1, and makes one direction a
million times shorter than the other: noise of a millionth of the signal drowns it (nothing is lost in exact arithmetic).
What is needed is that all singular values are near 1 (dynamical isometry), which orthogonal matrices have and Gaussian
ones of determinant 1 have not.]] },
  { slide = "Activation functions = the main culprits", says = "In the saturation regions of the activation functions the "
    .. "gradients are close to zero.",
    script = "14", right = [[
The sentence is true of the activation's derivative; that the net's gradient vanishes does not follow. The factor of a
layer is `|W|` times the derivative. Where large weights saturate tanh, only a share of order `1/|W|` of the units has a
derivative away from 0, so `E[tanh'²] ~ 1/|W|` and the squared factor `|W|² E[tanh'²]` grows like `|W|`: the gradient
explodes. It vanishes where units are saturated at a fixed size of the weights. And "gradient signal gets lost in the noise"
is what happens to the exploding net, whose gradients differ from batch to batch; the vanishing one keeps its signal to noise.]] },
  { slide = "How to solve the vanishing gradient problem", says = "Normalization: distorts gradient, increases noise.",
    script = "16", right = [[
Noise comes from statistics over a batch: a sample's gradient then depends on the others. Layer and weight norm treat each
sample by itself and add none. That a norm turns the gradient is true of all three: batch and layer norm take away its parts
along 1 and along x̂, weight norm the part along v (Salimans & Kingma 2016, equation 3).]] },
  { slide = "Universal Approximation Theorem", says = "For any given continuous function f ∈ I_m ≡ [0, 1]^m ...",
    script = "10", right = [[
f is a function on I_m, f ∈ C(I_m). And φ cannot be anything: for a polynomial φ of degree d every F is a polynomial
of degree d, however many units there are. The theorem holds exactly for continuous φ that are no polynomials (Leshno
et al. 1993).]] },
  { slide = "Some historical remarks", says = "In 1986, Rumelhart, McClelland, Hinton first published the "
    .. "backpropagation algorithm.", script = "39",
    right = [[
The paper (Nature 323, 533) is by Rumelhart, Hinton and Williams; McClelland edited the PDP volumes with Rumelhart. It was
not the first: reverse accumulation is Linnainmaa's (1970); its use for networks is Werbos', proposed in 1974 and published
for networks in 1982, as the next line of the slide says in part. Minsky and Papert (1969) proved limits of single layers and
guessed that many layers would be no better; they proved no infeasibility.]] },
  { slide = "Gradients for Logistic Regression", says = "g(x) = σ(Wᵀx + b) on the slide before; the gradient is for W alone.",
    script = "11", right = [[
Every line of the derivation is right. The bias is left out; its gradient is `Σ (σᵢ - yᵢ)`, the same with 1 in the place of
x. And `log(1 - σ)` as written is log 0 as soon as σ rounds to 1, at scores of 17 in float32 and 37 in float64; programs
compute `max(z, 0) - y z + log1p(exp(-|z|))`, as `nn.bce_with_logits` does.]] },
  { slide = "Example: ReLUs and ELUs", says = "Σᵢᴺ σ(h - i + 0.5) ≈ log(1 + eʰ).", script = "19", right = [[
Each σ is at most 1, so the sum of N is at most N: for h above N it stands still while log(1 + eʰ) grows. The sum has
to run to infinity, as in the paper of Nair and Hinton. And at 0 ReLU has no gradient; programs take 0.]] },
  { slide = "Regularization in Deep Neural Networks", says = "Overfitting is an issue ... Even more so in deep "
    .. "neural networks.", script = "44", right = [[
With a fixed number of samples the error is worst where the weights just suffice to fit them all, and falls again beyond
(double descent, Belkin et al. 2019): more weights are not more overfitting as such, and a good penalty removes the peak.
That is about width. For depth, experiment 27 is on the slide's side: with five layers the validation loss ends higher than
with one, though the accuracy hardly differs.]] },
  { slide = "Batch normalization", says = "On test time, use average mean/std of training set.", script = "31", right = [[
Algorithm 2, two slides later, averages variances, with m/(m-1), and takes the root afterwards. The average of the
deviations is smaller: `(E[s])² < E[s²]`, and a batch's variance around its own mean is too small by (m-1)/m.]] },
  { slide = "Batch normalization", says = "BN helps both for regularization and optimization.", script = "32", right = [[
How much it helps optimization depends on the learning rate of the net that it is compared with. Its regularization has to be
measured against the same net without it, at the same batch size, rate and number of steps. And that it helps by keeping the
inputs from moving is contradicted by noise behind the norm, which moves them and does little harm (Santurkar et al. 2018).]] },
  { slide = "Weight decay", says = "Weights around 0 correspond to low complexity models.", script = "34", right = [[
Where a batch norm follows, the net with all those weights divided by 10 is the same function: `BN(c z) = BN(z)`.
There the size of the weights says nothing about complexity; weight decay acts by raising the effective learning rate
(van Laarhoven 2017). For the same reason the sharpness of a minimum depends on how a function is written down
(experiment 47).]] },
  { slide = "L1 Weight Decay", says = "L1 regularization -> some parameters should be put exactly to 0.", script = "36",
    right = [[
The minimum has exact zeros. Gradient steps on a loss with λ Σ|w| do not arrive there: the subgradient's sign jumps, and a
weight dances around 0 by ηλ. Exact zeros need a proximal step, `w ← sign(w) max(|w| - ηλ, 0)`, or coordinate descent.]] },
}
