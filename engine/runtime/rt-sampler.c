/* The sampler: logits in, one token out.
 *
 * Called by the generation loop after every forward pass. Filters in sorted order without sorting
 * everything: a heap is built in O(n) and only as many candidates are popped as the filters keep.
 *
 * The same on every machine: kn_expf() instead of libm, sums in double and in a fixed order, ties
 * go to the lower token, random numbers from integers. Must not know texts. */
#include "rt-sampler.h"

#include <math.h>
#include <stdlib.h>

#include "kn-vec.h"
#include "rt-random.h"

typedef struct
{
  float logit;
  uint32_t token;
} Candidate;

struct RtSampler
{
  RtSamplerConfig config;
  uint32_t n_vocab;
  Candidate *candidates; /* [n_vocab] */
  RtRandom random;
};

static bool
check_config (const RtSamplerConfig *c, uint32_t n_vocab, RtError *error)
{
  if (n_vocab == 0 || n_vocab > INT32_MAX)
    return rt_fail (error, RT_ERROR_RANGE, "cannot choose among %u tokens", n_vocab);
  if (!(c->temperature >= 0) || isinf (c->temperature))
    return rt_fail (error, RT_ERROR_RANGE, "temperature is %g; it must be 0 or more",
                    (double)c->temperature);
  if (!(c->top_p >= 0 && c->top_p <= 1))
    return rt_fail (error, RT_ERROR_RANGE, "top-p is %g; it must be from 0 to 1", (double)c->top_p);
  if (!(c->min_p >= 0 && c->min_p <= 1))
    return rt_fail (error, RT_ERROR_RANGE, "min-p is %g; it must be from 0 to 1", (double)c->min_p);
  return true;
}

RtSampler *
rt_sampler_new (const RtSamplerConfig *config, uint32_t n_vocab, RtError *error)
{
  if (!check_config (config, n_vocab, error))
    return NULL;

  RtSampler *s = calloc (1, sizeof *s);
  Candidate *candidates = calloc (n_vocab, sizeof *candidates);
  if (!s || !candidates)
    {
      free (s);
      free (candidates);
      rt_fail (error, RT_ERROR_MEMORY, "no memory for a sampler of %u tokens", n_vocab);
      return NULL;
    }
  s->config = *config;
  s->n_vocab = n_vocab;
  s->candidates = candidates;
  rt_random_init (&s->random, config->seed);
  return s;
}

void
rt_sampler_free (RtSampler *s)
{
  if (!s)
    return;
  free (s->candidates);
  free (s);
}

/* The first of the greatest, or -1 when all are -inf or NaN. */
static int32_t
find_best (const float *logits, uint32_t n)
{
  float best = -INFINITY;
  int32_t token = -1;

  for (uint32_t i = 0; i < n; i++)
    if (logits[i] > best)
      {
        best = logits[i];
        token = (int32_t)i;
      }
  return token;
}

/* ---- A heap with the best candidate on top ---- */

static bool
better (Candidate a, Candidate b)
{
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

/* Put @moved into the hole at @i of heap [n]. */
static void
sift_down (Candidate *heap, uint32_t n, uint32_t i, Candidate moved)
{
  for (uint32_t child = 2 * i + 1; child < n; child = 2 * i + 1)
    {
      if (child + 1 < n && better (heap[child + 1], heap[child]))
        child++;
      if (!better (heap[child], moved))
        break;
      heap[i] = heap[child];
      i = child;
    }
  heap[i] = moved;
}

static void
heapify (Candidate *heap, uint32_t n)
{
  for (uint32_t i = n / 2; i-- > 0;)
    sift_down (heap, n, i, heap[i]);
}

/* The candidate of rank @i among heap [n]; sorts no more than it must. The *@n_sorted best are at
 * the end, worst first; before them is the heap of the rest. */
static Candidate
nth_best (Candidate *heap, uint32_t n, uint32_t i, uint32_t *n_sorted)
{
  for (; *n_sorted <= i; ++*n_sorted)
    {
      uint32_t last = n - 1 - *n_sorted;
      Candidate top = heap[0];
      sift_down (heap, last, 0, heap[last]);
      heap[last] = top;
    }
  return heap[n - 1 - i];
}

/* ---- Filters ---- */

/* Everything that has a probability at all, in token order; returns how many. */
static uint32_t
gather (RtSampler *s, const float *logits)
{
  uint32_t n = 0;

  for (uint32_t i = 0; i < s->n_vocab; i++)
    if (logits[i] > -INFINITY)
      s->candidates[n++] = (Candidate){ logits[i], i };
  return n;
}

static double
sum_of_exp (const Candidate *c, uint32_t n, float best)
{
  double sum = 0;

  for (uint32_t i = 0; i < n; i++)
    sum += (double)kn_expf (c[i].logit - best);
  return sum;
}

/* Apply the filters; the kept candidates end up at the end of candidates [n], worst first. Returns
 * how many. */
static uint32_t
filter (RtSampler *s, uint32_t n, float best)
{
  const RtSamplerConfig *config = &s->config;
  Candidate *heap = s->candidates;
  uint32_t n_most = config->top_k > 0 && config->top_k < n ? config->top_k : n;
  uint32_t n_sorted = 0, n_kept;
  double wanted = INFINITY, sum = 0;

  heapify (heap, n);
  if (config->top_p < 1)
    {
      /* The share is one of what top-k leaves. */
      if (n_most < n)
        nth_best (heap, n, n_most - 1, &n_sorted);
      wanted = (double)config->top_p * sum_of_exp (heap + n - n_most, n_most, best);
    }
  for (n_kept = 0; n_kept < n_most; n_kept++)
    {
      float p = kn_expf (nth_best (heap, n, n_kept, &n_sorted).logit - best);
      if (n_kept > 0 && (sum >= wanted || p < config->min_p))
        break;
      sum += (double)p;
    }
  return n_kept;
}

/* Draw one of @c [n] in proportion to exp (logit / temperature). */
static int32_t
draw (RtSampler *s, const Candidate *c, uint32_t n, float best)
{
  float temperature = s->config.temperature;
  double total = 0, sum = 0;

  for (uint32_t i = 0; i < n; i++)
    total += (double)kn_expf ((c[i].logit - best) / temperature);
  double wanted = rt_random_unit (&s->random) * total;
  uint32_t last = 0;
  for (uint32_t i = 0; i < n; i++)
    {
      double p = (double)kn_expf ((c[i].logit - best) / temperature);
      sum += p;
      if (wanted < sum)
        return (int32_t)c[i].token;
      if (p > 0)
        last = i;
    }
  /* Only rounding gets here. */
  return (int32_t)c[last].token;
}

/* The candidates that a token is drawn from, *@n of them; NULL: there is nothing to draw, @best is
 * it. */
static const Candidate *
candidates (RtSampler *s, const float *logits, int32_t best, uint32_t *n)
{
  const RtSamplerConfig *config = &s->config;

  if (best < 0 || config->temperature == 0 || isinf (logits[best]))
    return NULL;
  *n = gather (s, logits);
  if ((config->top_k == 0 || config->top_k >= *n) && config->top_p >= 1 && config->min_p <= 0)
    return s->candidates;
  uint32_t n_all = *n;
  *n = filter (s, n_all, logits[best]);
  return s->candidates + n_all - *n;
}

int32_t
rt_sampler_next (RtSampler *s, const float *logits)
{
  int32_t best = find_best (logits, s->n_vocab);
  uint32_t n;
  const Candidate *c = candidates (s, logits, best, &n);

  return c == NULL ? best : draw (s, c, n, logits[best]);
}

/* ---- Speculative decoding ---- */

const RtSamplerConfig *
rt_sampler_config (const RtSampler *s)
{
  return &s->config;
}

void
rt_sampler_reseed (RtSampler *s, uint64_t seed)
{
  rt_random_init (&s->random, seed);
}

bool
rt_sampler_distribution (RtSampler *s, const float *logits, float *p)
{
  float temperature = s->config.temperature;
  int32_t best = find_best (logits, s->n_vocab);
  double total = 0;
  uint32_t n;

  for (uint32_t i = 0; i < s->n_vocab; i++)
    p[i] = 0;
  if (best < 0)
    return false;
  const Candidate *c = candidates (s, logits, best, &n);
  if (c == NULL)
    {
      p[best] = 1;
      return true;
    }
  for (uint32_t i = 0; i < n; i++)
    {
      p[c[i].token] = kn_expf ((c[i].logit - logits[best]) / temperature);
      total += (double)p[c[i].token];
    }
  for (uint32_t i = 0; i < n; i++)
    p[c[i].token] = (float)((double)p[c[i].token] / total);
  return true;
}

int32_t
rt_sampler_draw (RtSampler *s, const float *p)
{
  double total = 0, sum = 0;
  int32_t last = -1;

  for (uint32_t i = 0; i < s->n_vocab; i++)
    total += (double)p[i];
  double wanted = rt_random_unit (&s->random) * total;
  for (uint32_t i = 0; i < s->n_vocab; i++)
    {
      if (p[i] <= 0)
        continue;
      sum += (double)p[i];
      last = (int32_t)i;
      if (wanted < sum)
        break;
    }
  return last;
}

double
rt_sampler_unit (RtSampler *s)
{
  return rt_random_unit (&s->random);
}
