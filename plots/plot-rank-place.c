/* Last step of the layered layout: x. Rank by rank, each point goes as near as it can to the
 * weighted median of its neighbours; the order and the distances are kept by a regression under
 * constraints that has its answer in one pass (pool adjacent violators: Barlow, Bartholomew,
 * Bremner and Brunk, "Statistical inference under order restrictions", 1972). So nothing can
 * overlap, whatever the medians say. Distances are counted absolute, not squared: a line that
 * would share a place with a box gives way alone, and the column of boxes stays straight. Called by
 * plot-rank.c. */

#include "plot-rank-private.h"

#include <math.h>
#include <string.h>

#define N_PASSES 9
#define MAX_LEAN_PX 120

typedef struct
{
  double at, weight;
} Want;

/* Neighbours that touch: they move as one. */
typedef struct
{
  double sum, weight, value;
  guint first, n;
} Block;

/* Beyond this size a block takes the mean instead of the median, which has to be sorted for. */
#define MAX_MEDIAN 48

static int
compare_wants (const void *a, const void *b)
{
  const Want *x = a, *y = b;

  return x->at < y->at ? -1 : x->at > y->at;
}

/* The median, so that a chain stays straight where a branch joins it; between two equal halves,
 * their middle. */
static double
weighted_median (Want *wants, guint n, double *total)
{
  double sum = 0;

  *total = 0;
  for (guint i = 0; i < n; i++)
    *total += wants[i].weight;
  if (n > 1)
    qsort (wants, n, sizeof *wants, compare_wants);
  for (guint i = 0; i < n; i++)
    {
      sum += wants[i].weight;
      if (sum * 2 > *total)
        return wants[i].at;
      if (sum * 2 == *total && i + 1 < n)
        return (wants[i].at + wants[i + 1].at) / 2;
    }
  return n > 0 ? wants[n - 1].at : 0;
}

static guint
collect (const PlotRankWork *work, guint point, gboolean up, Want *wants)
{
  const PlotRankSide *side = up ? &work->above : &work->below;
  guint n = 0;

  for (guint i = side->first[point]; i < side->first[point + 1]; i++)
    {
      const PlotRankLink *link = plot_rank_link (work, side->links[i]);
      const PlotRankPoint *other = plot_rank_point (work, up ? link->up : link->down);
      double dx = up ? link->up_dx - link->down_dx : link->down_dx - link->up_dx;
      double at = other->x + dx;

      /* Frames that are left on another side than they are entered would lean further at each step:
       * away from the middle, a bend is better than that. */
      if (fabs (at) > fmax (fabs (other->x), MAX_LEAN_PX))
        at = other->x;
      wants[n++] = (Want){ at, link->weight };
    }
  return n;
}

static double
separation (const PlotRankWork *work, const PlotRankPoint *a, const PlotRankPoint *b)
{
  gboolean line = a->trunk != PLOT_RANK_NONE || b->trunk != PLOT_RANK_NONE;

  return (a->w + b->w) / 2 + (line ? work->line_gap : work->x_gap);
}

/* Where the whole block would best be; @goals are those of its members, less their offsets. */
static void
value_block (Block *block, const Want *goals)
{
  Want sorted[MAX_MEDIAN];
  double weight;

  block->value = block->sum / block->weight;
  if (block->n > MAX_MEDIAN)
    return;
  memcpy (sorted, goals + block->first, block->n * sizeof *sorted);
  block->value = weighted_median (sorted, block->n, &weight);
}

static void
merge_last (Block *blocks, guint *n_blocks, const Want *goals)
{
  Block *a = &blocks[*n_blocks - 2], *b = &blocks[*n_blocks - 1];

  a->sum += b->sum;
  a->weight += b->weight;
  a->n += b->n;
  (*n_blocks)--;
  value_block (a, goals);
}

typedef struct
{
  Want *wants, *goals;
  Block *blocks;
  double *offsets;
} Scratch;

/* @above, @below: which neighbours count. */
static void
place_rank (PlotRankWork *work, guint r, gboolean above, gboolean below, Scratch *s)
{
  guint first = work->rank_first[r], n = work->rank_first[r + 1] - first, n_blocks = 0;
  double offset = 0;

  for (guint i = 0; i < n; i++)
    {
      guint id = work->by_rank[first + i];
      PlotRankPoint *point = plot_rank_point (work, id);
      gboolean line
          = point->trunk != PLOT_RANK_NONE; /* a line looks both ways: one long straight */
      guint n_wants = above || line ? collect (work, id, TRUE, s->wants) : 0;
      double weight, goal;

      if (below || line || n_wants == 0)
        n_wants += collect (work, id, FALSE, s->wants + n_wants);
      goal = weighted_median (s->wants, n_wants, &weight);
      if (n_wants == 0)
        {
          goal = point->x;
          weight = 0.05;
        }
      if (i > 0)
        offset += separation (work, plot_rank_point (work, work->by_rank[first + i - 1]), point);
      s->offsets[i] = offset;
      s->goals[i] = (Want){ goal - offset, weight };
      s->blocks[n_blocks++] = (Block){ (goal - offset) * weight, weight, goal - offset, i, 1 };
      while (n_blocks > 1 && s->blocks[n_blocks - 2].value > s->blocks[n_blocks - 1].value)
        merge_last (s->blocks, &n_blocks, s->goals);
    }
  for (guint b = 0; b < n_blocks; b++)
    for (guint k = s->blocks[b].first; k < s->blocks[b].first + s->blocks[b].n; k++)
      plot_rank_point (work, work->by_rank[first + k])->x = s->blocks[b].value + s->offsets[k];
}

/* Side by side, each rank about the same middle. */
static void
pack (PlotRankWork *work)
{
  for (guint r = 0; r < work->n_ranks; r++)
    {
      guint first = work->rank_first[r], n = work->rank_first[r + 1] - first;
      double x = 0;

      for (guint i = 0; i < n; i++)
        {
          PlotRankPoint *point = plot_rank_point (work, work->by_rank[first + i]);

          if (i > 0)
            x += separation (work, plot_rank_point (work, work->by_rank[first + i - 1]), point);
          point->x = x;
        }
      for (guint i = 0; i < n; i++)
        plot_rank_point (work, work->by_rank[first + i])->x -= x / 2;
    }
}

/* How far point @i may move while its neighbours stay. */
static void
room_of (const PlotRankWork *work, guint i, double *lo, double *hi)
{
  const PlotRankPoint *point = plot_rank_point (work, i);
  guint at = work->rank_first[point->rank] + point->order;

  *lo = -INFINITY;
  *hi = INFINITY;
  if (at > work->rank_first[point->rank])
    {
      const PlotRankPoint *left = plot_rank_point (work, work->by_rank[at - 1]);

      *lo = left->x + separation (work, left, point);
    }
  if (at + 1 < work->rank_first[point->rank + 1])
    {
      const PlotRankPoint *right = plot_rank_point (work, work->by_rank[at + 1]);

      *hi = right->x - separation (work, point, right);
    }
}

/* Puts points @from .. @to - 1 of a line on one x within [lo, hi], as near to where they are as
 * it goes. */
static void
align (PlotRankWork *work, guint from, guint to, double lo, double hi)
{
  double sum = 0, x;

  for (guint i = from; i < to; i++)
    sum += plot_rank_point (work, i)->x;
  x = CLAMP (sum / (to - from), lo, hi);
  for (guint i = from; i < to; i++)
    plot_rank_point (work, i)->x = x;
}

/* The dummy points of a line follow each other: as few bends as the room between the others
 * allows, taking each stretch as far down as it goes. */
static void
straighten (PlotRankWork *work)
{
  guint n = work->points->len;

  for (guint i = 0; i < n;)
    {
      guint trunk = plot_rank_point (work, i)->trunk, from = i;
      double lo = -INFINITY, hi = INFINITY;

      if (trunk == PLOT_RANK_NONE)
        {
          i++;
          continue;
        }
      for (; i < n && plot_rank_point (work, i)->trunk == trunk; i++)
        {
          double a, b;

          room_of (work, i, &a, &b);
          if (fmax (lo, a) > fmin (hi, b))
            {
              align (work, from, i, lo, hi);
              from = i;
              lo = a;
              hi = b;
            }
          lo = fmax (lo, a);
          hi = fmin (hi, b);
        }
      align (work, from, i, lo, hi);
    }
}

gboolean
plot_rank_place (PlotRankWork *work)
{
  guint n = MAX (1, work->points->len), n_wants = 2 * MAX (1, work->links->len);
  g_autofree Want *wants = g_new (Want, n_wants);
  g_autofree Want *goals = g_new (Want, n);
  g_autofree Block *blocks = g_new (Block, n);
  g_autofree double *offsets = g_new (double, n);
  Scratch scratch = { wants, goals, blocks, offsets };

  pack (work);
  for (guint pass = 0; pass < N_PASSES; pass++)
    {
      /* Looking both ways evens out; the last way down makes every chain exactly straight. */
      gboolean down = pass % 2 == 0, both = pass == 4 || pass == 5;

      for (guint i = 0; i < work->n_ranks; i++)
        {
          if (plot_rank_stop (work))
            return FALSE;
          place_rank (work, down ? i : work->n_ranks - 1 - i, down || both, !down || both,
                      &scratch);
        }
      if (work->progress != NULL)
        work->progress (0.7 + 0.3 * (pass + 1) / N_PASSES, work->progress_data);
    }
  straighten (work);
  straighten (work); /* room that the first time made */
  return TRUE;
}
