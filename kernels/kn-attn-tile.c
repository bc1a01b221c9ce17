/* The walk of attention over tiles of queries, with the steps of one instruction set. Called by the
 * vector versions of KnAttnFamily.chunk; knows masks and order, and nothing of registers. */
#include "kn-attn-tile.h"

/* Queries [@from, ...) of the tile as a tile of their own. */
static KnAttnTile
tile_from (const KnAttnTile *t, size_t from)
{
  KnAttnTile part = *t;
  part.query += from;
  part.q += from * t->a->q_stride;
  part.o += from * t->a->head_dim;
  part.scratch.scores += from * KN_ATTN_CHUNK;
  return part;
}

static void
quantize_queries (const KnAttnTile *t, const KnAttnSteps *steps, size_t n)
{
  const size_t dim = t->a->head_dim, group = kn_kv_group (kn_kv_keys (t->a->format), dim),
               n_groups = dim / group;
  for (size_t i = 0; i < n; i++)
    for (size_t g = 0; g < n_groups; g++)
      t->scratch.q_scales[i * n_groups + g]
          = steps->quantize_group (t->q + i * t->a->q_stride + g * group, group,
                                   t->scratch.q_codes + i * dim + g * group,
                                   &t->scratch.q_sums[i * n_groups + g]);
}

static void
values_of_one (const KnAttnTile *t, const KnAttnSteps *steps, size_t i, size_t lo, size_t hi)
{
  if (lo < hi)
    {
      const KnAttnTile one = tile_from (t, i);
      steps->values (&one, 1, lo, hi);
    }
}

/* Values are added for the positions that all @n queries see together, and one query at a time for
 * the few before and after them (the diagonal of a prompt): in the order of positions either way.
 */
static void
run_tile (const KnAttnTile *t, const KnAttnSteps *steps, size_t n)
{
  const KnAttnChunk *a = t->a;
  size_t lo[KN_ATTN_TILE], hi[KN_ATTN_TILE];
  size_t first = SIZE_MAX, end = 0, common_lo = 0, common_hi = SIZE_MAX;

  for (size_t i = 0; i < n; i++)
    {
      if (kn_attn_range (a, t->query + i, &lo[i], &hi[i]))
        {
          first = lo[i] < first ? lo[i] : first;
          end = hi[i] > end ? hi[i] : end;
        }
      common_lo = lo[i] > common_lo ? lo[i] : common_lo;
      common_hi = hi[i] < common_hi ? hi[i] : common_hi;
    }

  memset (t->o, 0, n * a->head_dim * sizeof *t->o);
  if (first < end)
    {
      if (kn_kv_is_coded (kn_kv_keys (a->format)))
        quantize_queries (t, steps, n);
      steps->scores (t, n, first / 16 * 16, (end + 15) / 16 * 16);
    }
  for (size_t i = 0; i < n; i++)
    {
      a->m[t->query + i] = -INFINITY;
      a->l[t->query + i] = 0.0f;
      if (lo[i] >= hi[i])
        continue;
      float *row = t->scratch.scores + i * KN_ATTN_CHUNK;
      steps->weights (a, row, lo[i], hi[i], &a->m[t->query + i], &a->l[t->query + i]);
      if (a->levels != 0.0f)
        steps->round_weights (row + lo[i] % KN_ATTN_CHUNK, hi[i] - lo[i], a->levels,
                              a->bias ? a->bias[t->query + i] : 0.0f);
    }

  const int any_common = common_lo < common_hi;
  for (size_t i = 0; i < n; i++)
    values_of_one (t, steps, i, lo[i], any_common ? common_lo : hi[i]);
  if (any_common)
    steps->values (t, n, common_lo, common_hi);
  for (size_t i = 0; any_common && i < n; i++)
    values_of_one (t, steps, i, common_hi, hi[i]);
}

void
kn_attn_by_tiles (const KnAttnChunk *a, const KnAttnSteps *steps)
{
  KnAttnTile t = { .a = a, .scratch = kn_attn_scratch (a) };
  for (size_t i = 0; i < a->n_queries; i += steps->tile)
    {
      const size_t left = a->n_queries - i;
      t.query = i;
      t.q = a->q + i * a->q_stride;
      t.o = a->o + i * a->head_dim;
      run_tile (&t, steps, left < steps->tile ? left : steps->tile);
    }
}
