/* The roofline of a run, computed from its profile and the machine's roofs. Called by the window's
 * Roofline view, the advice and the command line. Measures nothing itself; must not know how
 * anything is shown. */
#include "eng-roofline.h"

#include <math.h>

#define NS_PER_MS 1e6

/* Waking threads and waiting for all of them takes microseconds; where no node is that short, this
 * is what starting one is taken to cost at most. */
#define MOST_DISPATCH_MS 0.01

/* From half of its roof on a node is bound by it, however short it is. */
#define PLAIN_SHARE 0.5

struct _EngRoofline
{
  EngProfile *profile;
  RtPhase phase;
  gboolean has_roof;
  EngRoof roof;
  double step_bytes;
  double dispatch_ms;
  EngRooflinePoint *nodes;  /* [n_nodes] */
  EngRooflinePoint *layers; /* [n_layers + 2] */
  EngRooflinePoint total;
};

const char *
eng_bound_name (EngBound bound)
{
  static const char *const names[] = { "unknown", "memory", "arithmetic", "overhead" };

  g_return_val_if_fail (bound < G_N_ELEMENTS (names), NULL);
  return names[bound];
}

/* ---- Roofs ---- */

int
eng_roof_find_level (const EngRoof *roof, double bytes, double *bandwidth)
{
  int level = (int)roof->n_levels - 1;

  for (int i = 0; i < level; i++)
    {
      /* What all threads' slices were when the level was measured, or one whole cache of it. */
      guint64 holds = MAX (roof->levels[i].working_set_bytes, roof->levels[i].cache_bytes);

      if (bytes <= (double)holds)
        level = i;
    }
  if (bandwidth != NULL)
    *bandwidth = level >= 0 ? roof->levels[level].read.value : roof->read_bytes_per_s;
  return level;
}

double
eng_roof_get_ops (const EngRoof *roof, EngArithmetic arithmetic)
{
  switch (arithmetic)
    {
    case ENG_ARITHMETIC_F32:
      return roof->f32_flops;
    case ENG_ARITHMETIC_INT8:
      return roof->int8_ops;
    case ENG_ARITHMETIC_UNKNOWN:
    default:
      return NAN;
    }
}

const char *
eng_roof_level_name (const EngRoof *roof, int level)
{
  g_return_val_if_fail (level < (int)roof->n_levels, NULL);
  return level < 0 ? "DRAM" : roof->levels[level].name;
}

double
eng_roof_get_ridge (const EngRoof *roof, int level, EngArithmetic arithmetic)
{
  double bandwidth = level < 0 ? roof->read_bytes_per_s : roof->levels[level].read.value;

  return eng_roof_get_ops (roof, arithmetic) / bandwidth;
}

/* ---- Points ---- */

static EngFigure
figure_from_latency (const EngLatency *latency)
{
  EngFigure figure = { .available = TRUE, .unit = "ms", .n = latency->n };

  if (latency->n == 0)
    return eng_figure_unavailable ("ms", "not measured");
  figure.value = latency->median_ns / NS_PER_MS;
  figure.low = latency->low_ns / NS_PER_MS;
  figure.high = latency->high_ns / NS_PER_MS;
  if (isnan (figure.low))
    figure.reason = "too few samples for an interval";
  return figure;
}

/* The longer it took, the slower: the ends of the interval change places. */
static EngFigure
speed_from_time (const EngFigure *time, double ops)
{
  EngFigure speed = *time;

  speed.unit = "op/s";
  if (!time->available || !(time->value > 0))
    return eng_figure_unavailable ("op/s", "not measured");
  if (!(ops > 0))
    return eng_figure_unavailable ("op/s", "no arithmetic");
  speed.value = ops * 1e3 / time->value;
  speed.low = ops * 1e3 / time->high;
  speed.high = ops * 1e3 / time->low;
  return speed;
}

/* What is known once work, time and least time are: the same for nodes, layers and all. */
static void
finish_point (EngRooflinePoint *point)
{
  point->bytes = point->weight_bytes + point->read_bytes + point->write_bytes;
  point->intensity = point->bytes > 0 ? point->ops / point->bytes : NAN;
  point->speed = speed_from_time (&point->time, point->ops);
  point->share = point->lost_ms = NAN;
  if (point->time.available && point->time.value > 0 && !isnan (point->roof_ms))
    {
      point->share = point->roof_ms / point->time.value;
      point->lost_ms = MAX (point->time.value - point->roof_ms, 0);
    }
}

static void
count_work (EngRooflinePoint *point, const RtCost *cost)
{
  point->ops = (double)cost->flops;
  point->weight_bytes = (double)cost->weight_bytes;
  point->read_bytes = (double)cost->read_bytes;
  point->write_bytes = (double)cost->write_bytes;
}

static void
find_least_time (EngRoofline *self, EngRooflinePoint *point)
{
  double activations = point->read_bytes + point->write_bytes;
  double weights_per_s, activations_per_s;
  int weights_level = eng_roof_find_level (&self->roof, self->step_bytes, &weights_per_s);
  int activations_level = eng_roof_find_level (&self->roof, activations, &activations_per_s);

  point->level = point->weight_bytes > activations ? weights_level : activations_level;
  point->memory_ms = 1e3 * (point->weight_bytes / weights_per_s + activations / activations_per_s);
  point->arithmetic_ms
      = point->ops > 0 ? 1e3 * point->ops / eng_roof_get_ops (&self->roof, point->arithmetic) : 0;
  point->roof_ms
      = isnan (point->arithmetic_ms) ? NAN : MAX (point->memory_ms, point->arithmetic_ms);
}

static EngBound
node_bound (EngRoofline *self, const EngRooflinePoint *point)
{
  if (isnan (point->share))
    return ENG_BOUND_UNKNOWN;
  if (point->share < ENG_ROOFLINE_LEAST_SHARE
      || (point->roof_ms < self->dispatch_ms && point->share < PLAIN_SHARE))
    return ENG_BOUND_OVERHEAD;
  return point->memory_ms >= point->arithmetic_ms ? ENG_BOUND_MEMORY : ENG_BOUND_ARITHMETIC;
}

static void
make_node (EngRoofline *self, guint i)
{
  const EngPhaseProfile *phase = eng_profile_get_phase (self->profile, self->phase);
  EngRooflinePoint *point = &self->nodes[i];

  count_work (point, eng_profile_get_node_cost (self->profile, i, self->phase));
  point->time = figure_from_latency (&phase->nodes[i]);
  point->arithmetic = eng_profile_get_node_arithmetic (self->profile, i);
  point->level = -1;
  point->memory_ms = point->arithmetic_ms = point->roof_ms = NAN;
  if (self->has_roof)
    find_least_time (self, point);
  finish_point (point);
  point->bound = node_bound (self, point);
}

/* ---- Layers ---- */

/* What of several nodes weighs most, by kind. */
typedef struct
{
  double ops[ENG_ARITHMETIC_INT8 + 1];
  double bytes[ENG_MAX_ROOF_LEVELS + 1]; /* by level + 1 */
  double ms[ENG_BOUND_OVERHEAD + 1];     /* measured time, by what bounds it */
} Weights;

static guint
heaviest (const double *values, guint n)
{
  guint best = 0;

  for (guint i = 1; i < n; i++)
    if (values[i] > values[best])
      best = i;
  return best;
}

static void
add_node (EngRooflinePoint *sum, Weights *weights, const EngRooflinePoint *node)
{
  sum->ops += node->ops;
  sum->weight_bytes += node->weight_bytes;
  sum->read_bytes += node->read_bytes;
  sum->write_bytes += node->write_bytes;
  sum->memory_ms += node->memory_ms;
  sum->arithmetic_ms += node->arithmetic_ms;
  sum->roof_ms += node->roof_ms;
  weights->ops[node->arithmetic] += node->ops;
  weights->bytes[node->level + 1] += node->weight_bytes + node->read_bytes + node->write_bytes;
  weights->ms[node->bound] += node->time.value;
}

/* Of the nodes of @layer, or of all (@layer < -1), that were measured. */
static void
make_sum (EngRoofline *self, int layer, const EngLatency *latency, EngRooflinePoint *sum)
{
  Weights weights = { { 0 }, { 0 }, { 0 } };
  guint n = eng_profile_get_n_nodes (self->profile);

  sum->time = figure_from_latency (latency);
  for (guint i = 0; i < n; i++)
    if ((layer < -1 || eng_profile_get_node_layer (self->profile, i) == layer)
        && self->nodes[i].time.available)
      add_node (sum, &weights, &self->nodes[i]);
  sum->arithmetic = (EngArithmetic)heaviest (weights.ops, G_N_ELEMENTS (weights.ops));
  sum->level = (int)heaviest (weights.bytes, G_N_ELEMENTS (weights.bytes)) - 1;
  if (!self->has_roof)
    sum->memory_ms = sum->arithmetic_ms = sum->roof_ms = NAN;
  finish_point (sum);
  sum->bound = isnan (sum->share) ? ENG_BOUND_UNKNOWN
                                  : (EngBound)heaviest (weights.ms, G_N_ELEMENTS (weights.ms));
}

/* ---- The whole ---- */

static void
look_over (EngRoofline *self)
{
  const EngPhaseProfile *phase = eng_profile_get_phase (self->profile, self->phase);
  double weights = 0, cache = 0, alive = 0;

  self->dispatch_ms = MOST_DISPATCH_MS;
  for (guint i = 0; i < eng_profile_get_n_nodes (self->profile); i++)
    {
      const RtCost *cost = eng_profile_get_node_cost (self->profile, i, self->phase);
      const EngLayerMemory *memory = eng_profile_get_node_memory (self->profile, i);

      if (phase->nodes[i].n == 0)
        continue;
      weights += (double)cost->weight_bytes;
      cache += memory->kv_bytes > 0 ? (double)cost->read_bytes : 0;
      alive = MAX (alive, (double)memory->activation_bytes);
      if (cost->weight_bytes + cost->read_bytes + cost->write_bytes > 0)
        self->dispatch_ms = fmin (self->dispatch_ms, phase->nodes[i].median_ns / NS_PER_MS);
    }
  self->step_bytes = weights + cache + alive;
}

EngRoofline *
eng_roofline_new (EngProfile *profile, RtPhase phase, const EngRoof *roof)
{
  const EngPhaseProfile *data;
  EngRoofline *self;
  int n_layers;

  g_return_val_if_fail (profile != NULL && phase < RT_N_PHASES, NULL);

  self = g_new0 (EngRoofline, 1);
  self->profile = eng_profile_ref (profile);
  self->phase = phase;
  self->has_roof = roof != NULL;
  if (roof != NULL)
    self->roof = *roof;
  data = eng_profile_get_phase (profile, phase);
  n_layers = eng_profile_get_n_layers (profile);
  self->nodes = g_new0 (EngRooflinePoint, eng_profile_get_n_nodes (profile) + 1);
  self->layers = g_new0 (EngRooflinePoint, (gsize)n_layers + 2);
  look_over (self);
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    make_node (self, i);
  for (int layer = -1; layer <= n_layers; layer++)
    make_sum (self, layer, &data->layers[layer + 1], &self->layers[layer + 1]);
  make_sum (self, -2, &data->total, &self->total);
  return self;
}

void
eng_roofline_free (EngRoofline *self)
{
  if (self == NULL)
    return;
  eng_profile_unref (self->profile);
  g_free (self->nodes);
  g_free (self->layers);
  g_free (self);
}

EngProfile *
eng_roofline_get_profile (EngRoofline *self)
{
  return self->profile;
}

RtPhase
eng_roofline_get_phase (EngRoofline *self)
{
  return self->phase;
}

const EngRoof *
eng_roofline_get_roof (EngRoofline *self)
{
  return self->has_roof ? &self->roof : NULL;
}

gboolean
eng_roofline_is_measured (EngRoofline *self)
{
  return self->total.time.available;
}

const EngRooflinePoint *
eng_roofline_get_node (EngRoofline *self, guint node)
{
  g_return_val_if_fail (node < eng_profile_get_n_nodes (self->profile), NULL);
  return &self->nodes[node];
}

const EngRooflinePoint *
eng_roofline_get_layer (EngRoofline *self, int layer)
{
  g_return_val_if_fail (layer >= -1 && layer <= eng_profile_get_n_layers (self->profile), NULL);
  return &self->layers[layer + 1];
}

const EngRooflinePoint *
eng_roofline_get_total (EngRoofline *self)
{
  return &self->total;
}

double
eng_roofline_get_step_bytes (EngRoofline *self)
{
  return self->step_bytes;
}

double
eng_roofline_get_dispatch_ms (EngRoofline *self)
{
  return self->dispatch_ms;
}
