/* Lining up two networks whose nodes have other names: a walk over the heavy operators of both, in
 * order, that matches as much work as it can. Called by eng-align.c; knows nothing of names. */
#include "eng-align-private.h"

#include <math.h>
#include <string.h>

#define MAX_HEAVY 4000 /* the table has the square of it: 16 MB of moves */
#define MAX_PART                                                                                   \
  4 /* how many operators one may stand for: an LSTM written out is at most 4 products */
#define TOLERANCE 0.05
#define ENOUGH 0.6

EngHeavy
eng_align_heavy (EngProfile *profile, guint node)
{
  static const struct
  {
    const char *start;
    EngHeavy heavy;
  } kinds[] = {
    { "Convolution", ENG_HEAVY_CONV },
    { "Depthwise convolution", ENG_HEAVY_DEPTHWISE },
    { "Transposed convolution", ENG_HEAVY_TRANSPOSED },
    { "Matrix product", ENG_HEAVY_PRODUCT },
    { "General matrix product", ENG_HEAVY_PRODUCT },
    { "Fully connected", ENG_HEAVY_PRODUCT },
    { "Query, key, value", ENG_HEAVY_PRODUCT },
    { "Gate and up", ENG_HEAVY_PRODUCT },
    { "Einstein sum", ENG_HEAVY_PRODUCT },
    { "LSTM", ENG_HEAVY_RECURRENT },
    { "GRU", ENG_HEAVY_RECURRENT },
    { "RNN", ENG_HEAVY_RECURRENT },
  };
  const char *op = eng_profile_get_node_op (profile, node);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_prefix (op, kinds[i].start))
      return kinds[i].heavy;
  return ENG_HEAVY_NONE;
}

RtPhase
eng_align_phase (EngProfile *a, EngProfile *b)
{
  static const RtPhase order[] = { RT_PHASE_DECODE, RT_PHASE_INFERENCE, RT_PHASE_PREFILL };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    if (eng_profile_get_phase (a, order[i])->total.n > 0
        && eng_profile_get_phase (b, order[i])->total.n > 0)
      return order[i];
  return RT_N_PHASES;
}

double
eng_align_flops (EngProfile *profile, guint node, RtPhase phase)
{
  guint n_tokens = eng_profile_get_phase (profile, phase)->n_tokens;
  double flops = (double)eng_profile_get_node_cost (profile, node, phase)->flops;

  return phase == RT_PHASE_PREFILL && n_tokens > 0 ? flops / n_tokens : flops;
}

gboolean
eng_align_same_flops (double a, double b)
{
  return a > 0 && b > 0 && fabs (a - b) <= TOLERANCE * MAX (a, b);
}

typedef struct
{
  guint n;
  guint *nodes;
  double *flops;
  EngHeavy *kinds;
  double total;
} Sequence;

static void
sequence_init (Sequence *sequence, EngProfile *profile, RtPhase phase)
{
  guint n_nodes = eng_profile_get_n_nodes (profile);

  *sequence = (Sequence){ 0, g_new (guint, n_nodes + 1), g_new (double, n_nodes + 1),
                          g_new (EngHeavy, n_nodes + 1), 0 };
  for (guint i = 0; i < n_nodes; i++)
    {
      double flops = eng_align_flops (profile, i, phase);
      EngHeavy kind = eng_align_heavy (profile, i);

      if (kind == ENG_HEAVY_NONE || !(flops > 0))
        continue;
      sequence->nodes[sequence->n] = i;
      sequence->flops[sequence->n] = flops;
      sequence->kinds[sequence->n++] = kind;
      sequence->total += flops;
    }
}

static void
sequence_clear (Sequence *sequence)
{
  g_free (sequence->nodes);
  g_free (sequence->flops);
  g_free (sequence->kinds);
}

/* What is gained by letting @na operators of @a from @i on stand for @nb of @b from @j on; 0: they
 * cannot. A part's products may stand for one recurrent operator or for one larger product, nothing
 * else. */
static float
gain (const Sequence *a, guint i, guint na, const Sequence *b, guint j, guint nb)
{
  double flops_a = 0, flops_b = 0;

  for (guint k = 0; k < na; k++)
    flops_a += a->flops[i + k];
  for (guint k = 0; k < nb; k++)
    flops_b += b->flops[j + k];
  if (!eng_align_same_flops (flops_a, flops_b))
    return 0;
  if (na == 1 && nb == 1)
    {
      if (a->kinds[i] == b->kinds[j])
        return 2.0f;
      /* A convolution of one point is a product. */
      return MIN (a->kinds[i], b->kinds[j]) == ENG_HEAVY_PRODUCT
                     && MAX (a->kinds[i], b->kinds[j]) == ENG_HEAVY_CONV
                 ? 1.8f
                 : 0;
    }
  for (guint k = 0; k < na; k++)
    if (a->kinds[i + k] != ENG_HEAVY_PRODUCT && !(na == 1 && a->kinds[i] == ENG_HEAVY_RECURRENT))
      return 0;
  for (guint k = 0; k < nb; k++)
    if (b->kinds[j + k] != ENG_HEAVY_PRODUCT && !(nb == 1 && b->kinds[j] == ENG_HEAVY_RECURRENT))
      return 0;
  return 0.8f * (float)(na + nb);
}

/* Moves are (na << 4 | nb) of the best walk that begins at (i, j). */
static void
fill_moves (const Sequence *a, const Sequence *b, guint8 *moves)
{
  gsize width = b->n + 1;
  g_autofree float *best
      = g_new0 (float, (MAX_PART + 1) * width); /* the rows i to i + MAX_PART, in turn */

  for (gssize i = a->n; i >= 0; i--)
    for (gssize j = b->n; j >= 0; j--)
      {
        float *here = &best[(gsize)(i % (MAX_PART + 1)) * width + (gsize)j], most = 0;
        guint8 move = 0;

        if (i < a->n && best[(gsize)((i + 1) % (MAX_PART + 1)) * width + (gsize)j] > most)
          most = best[(gsize)((i + 1) % (MAX_PART + 1)) * width + (gsize)j], move = 0x10;
        if (j < b->n && here[1] > most)
          most = here[1], move = 0x01;
        for (guint na = 1; na <= MAX_PART && i + na <= a->n; na++)
          for (guint nb = 1; nb <= (na == 1 ? MAX_PART : 1) && j + nb <= b->n; nb++)
            {
              float gained = gain (a, (guint)i, na, b, (guint)j, nb);
              float sum
                  = gained + best[(gsize)((i + na) % (MAX_PART + 1)) * width + (gsize)(j + nb)];

              if (gained > 0 && sum > most)
                most = sum, move = (guint8)(na << 4 | nb);
            }
        *here = most;
        moves[(gsize)i * width + (gsize)j] = move;
      }
}

/* The walk's matches as pairs; @share: the least part of the operations of either that is
 * matched. */
static GArray *
take_pairs (const Sequence *a, const Sequence *b, const guint8 *moves, double *share)
{
  GArray *pairs = g_array_new (FALSE, FALSE, sizeof (guint));
  double in_a = 0, in_b = 0;
  guint i = 0, j = 0;

  while (i < a->n || j < b->n)
    {
      guint8 move = moves[(gsize)i * (b->n + 1) + j];
      guint na = move >> 4, nb = move & 15;

      if (move == 0)
        break;
      for (guint k = 0; na > 0 && nb > 0 && k < na * nb; k++)
        {
          g_array_append_val (pairs, a->nodes[i + k / nb]);
          g_array_append_val (pairs, b->nodes[j + k % nb]);
        }
      for (guint k = 0; nb > 0 && k < na; k++)
        in_a += a->flops[i + k];
      for (guint k = 0; na > 0 && k < nb; k++)
        in_b += b->flops[j + k];
      i += na;
      j += nb;
    }
  *share = MIN (in_a / a->total, in_b / b->total);
  return pairs;
}

GArray *
eng_align_shapes (EngProfile *a, EngProfile *b, char **reason)
{
  RtPhase phase = eng_align_phase (a, b);
  Sequence of_a, of_b;
  GArray *pairs = NULL;
  double share = 0;

  if (phase == RT_N_PHASES)
    {
      *reason = g_strdup ("Their layers have other names, and what they have in common cannot be "
                          "told from measurements: no phase was measured in both.");
      return NULL;
    }
  sequence_init (&of_a, a, phase);
  sequence_init (&of_b, b, phase);
  if (of_a.n == 0 || of_b.n == 0 || of_a.n > MAX_HEAVY || of_b.n > MAX_HEAVY)
    *reason = g_strdup ("Their layers have other names, and there are no heavy operators, or too "
                        "many, to line up by size.");
  else
    {
      g_autofree guint8 *moves = g_new (guint8, (gsize)(of_a.n + 1) * (of_b.n + 1));

      fill_moves (&of_a, &of_b, moves);
      pairs = take_pairs (&of_a, &of_b, moves, &share);
      if (share < ENOUGH)
        {
          *reason = g_strdup_printf ("These are different networks: their layers have other names, "
                                     "and only %.0f %% of the operations lie in "
                                     "layers of the same size and order.",
                                     100 * share);
          g_clear_pointer (&pairs, g_array_unref);
        }
    }
  sequence_clear (&of_a);
  sequence_clear (&of_b);
  return pairs;
}
