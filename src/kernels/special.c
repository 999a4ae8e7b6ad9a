/* Special functions. Each is computed in float64; float32 results are rounded from that. */
#include "kernels/special.h"

#include <math.h>

/* Giles 2010, "Approximating the erfinv function", single precision polynomials; then steps of Halley's method, each of
   which triples the number of right digits. Two are enough but where 1 - |x| is less than single precision knows. */
enum { MOST_STEPS = 10 };

double nl_erfinv(double x) {
  if (!(x > -1 && x < 1)) {
    return x == 1 ? INFINITY : (x == -1 ? -INFINITY : NAN);
  }
  double w = -log((1 - x) * (1 + x)), p;
  if (w < 5) {
    static const double c[] = {2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                               -0.00125372503, -0.00417768164, 0.246640727,    1.50140941};
    w -= 2.5;
    p = c[0];
    for (int i = 1; i < 9; i++) {
      p = c[i] + p * w;
    }
  } else {
    static const double c[] = {-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                               -0.0076224613,   0.00943887047,  1.00167406,    2.83297682};
    w = sqrt(w) - 3;
    p = c[0];
    for (int i = 1; i < 9; i++) {
      p = c[i] + p * w;
    }
  }
  double y = p * x, step = 1;
  for (int i = 0; i < 2 || (i < MOST_STEPS && fabs(step) > 1e-8 * fabs(y)); i++) {
    /* near the ends erfc keeps the digits that erf has lost */
    double error = fabs(x) < 0.5 ? erf(y) - x : (x > 0 ? (1 - x) - erfc(y) : erfc(-y) - (1 + x));
    step = error / (1.12837916709551257390 * exp(-y * y));
    y -= step / (1 + y * step);
  }
  return y;
}

/* Above 10 the asymptotic series (Abramowitz & Stegun 6.3.18), below it the recurrence psi(x) = psi(x + 1) - 1/x, for
   negative x the reflection psi(x) = psi(1 - x) - pi / tan(pi x). */
double nl_digamma(double x) {
  if (x == 0) {
    return copysign(INFINITY, -x);
  }
  if (x != x || x == INFINITY) {
    return x;
  }
  double sum = 0;
  if (x < 0) {
    if (x == floor(x)) {
      return NAN;
    }
    double whole;
    sum = -M_PI / tan(M_PI * modf(x, &whole));
    x = 1 - x;
  }
  while (x < 10) {
    sum -= 1 / x;
    x += 1;
  }
  double i = 1 / (x * x);
  double series =
      i *
      (1.0 / 12 - i * (1.0 / 120 - i * (1.0 / 252 - i * (1.0 / 240 - i * (1.0 / 132 - i * (691.0 / 32760 - i / 12))))));
  return sum + log(x) - 0.5 / x - series;
}

/* Hurwitz's zeta function for s > 1 by Euler-Maclaurin summation (Abramowitz & Stegun 23.1.30): ten terms, the
   integral, and twelve Bernoulli corrections. */
static double hurwitz_zeta(double s, double x) {
  /* (2k)! / B_2k */
  static const double over[] = {12.0,
                                -720.0,
                                30240.0,
                                -1209600.0,
                                47900160.0,
                                -1.8924375803183791606e9,
                                7.47242496e10,
                                -2.950130727918164224e12,
                                1.1646782814350067249e14,
                                -4.5979787224074726105e15,
                                1.8152105401943546773e17,
                                -7.1661652561756670113e18};
  if (x <= 0) {
    return x == floor(x) ? INFINITY : NAN;
  }
  double sum = 0;
  for (int i = 0; i < 10; i++, x += 1) {
    sum += pow(x, -s);
  }
  double power = pow(x, -s);
  sum += power * x / (s - 1) + power / 2;
  double factor = s * power / x;
  for (int k = 0; k < 12; k++) {
    sum += factor / over[k];
    factor *= (s + 2 * k + 1) * (s + 2 * k + 2) / (x * x);
  }
  return sum;
}

double nl_polygamma(double order, double x) {
  if (!(order >= 0 && order < 1e6 && order == floor(order))) {
    return NAN;
  }
  if (order == 0) {
    return nl_digamma(x);
  }
  int n = (int)order;
  double sign = n % 2 ? 1 : -1;
  if (n == 1 && x <= 0 && x != floor(x)) { /* the reflection of trigamma: its sum over both sides of a pole is known */
    double whole, s = sin(M_PI * modf(x, &whole));
    return -hurwitz_zeta(2, 1 - x) + M_PI * M_PI / (s * s);
  }
  return sign * tgamma(n + 1.0) * hurwitz_zeta(n + 1.0, x);
}

double nl_lgamma(double x) {
  int sign;
  return lgamma_r(x, &sign);
}
