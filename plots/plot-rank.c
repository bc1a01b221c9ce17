/* The layered layout from graph to lines: cycles, ranks, dummy points, and, after the order
 * (plot-rank-order.c) and the places (plot-rank-place.c), the pieces of the lines. Called by
 * plot-graph-layout.c on a worker; must not know what a vertex stands for. */

#include "plot-rank-private.h"

#include <math.h>
#include <string.h>

#define X_GAP 28.0
#define Y_GAP 34.0
#define LINE_GAP 12.0
#define MAX_DUMMIES 200000

/* A line as it is laid out: always from a lower rank number to a higher. */
typedef struct
{
  guint trunk, vertex, given; /* vertex: lower end; given: index of the edge, for its piece */
  double dx;
  gboolean reversed, loose;
} Line;

typedef struct
{
  const PlotRankGraph *graph;
  PlotRankWork work;
  GArray *trunks; /* PlotRankTrunk: those given, then one for each reversed edge */
  GArray *lines;  /* Line */
  guint *lines_first, *lines_below; /* lines by upper vertex */
  guint *span;                      /* of each trunk: ranks from its vertex to its lowest tap */
  guint *dummy_first;               /* of each trunk: its first dummy */
  guint n_reversed, n_loose;
} Build;

static const PlotRankTrunk *
get_trunk (const Build *b, guint trunk)
{
  return &g_array_index (b->trunks, PlotRankTrunk, trunk);
}

static Line *
get_line (const Build *b, guint i)
{
  return &g_array_index (b->lines, Line, i);
}

/* --- cycles --- */

/* Edges by the vertex they leave, in the order given. */
static void
index_edges (const PlotRankGraph *graph, guint **first, guint **edges)
{
  *first = g_new0 (guint, graph->n_vertices + 1);
  *edges = g_new (guint, MAX (1, graph->n_edges));
  for (guint i = 0; i < graph->n_edges; i++)
    (*first)[graph->trunks[graph->edges[i].trunk].vertex + 1]++;
  for (guint v = 0; v < graph->n_vertices; v++)
    (*first)[v + 1] += (*first)[v];
  for (guint i = graph->n_edges; i-- > 0;)
    {
      guint v = graph->trunks[graph->edges[i].trunk].vertex;

      (*edges)[--(*first)[v + 1]] = i;
    }
  /* first[v + 1] has come down to the beginning of v: shift by one. */
  for (guint v = 0; v < graph->n_vertices; v++)
    (*first)[v] = (*first)[v + 1];
  (*first)[graph->n_vertices] = graph->n_edges;
}

/* Depth first without recursion: an edge to a vertex still on the way closes a cycle. */
static gboolean *
find_back_edges (const PlotRankGraph *graph)
{
  gboolean *back = g_new0 (gboolean, MAX (1, graph->n_edges));
  g_autofree guint *first = NULL;
  g_autofree guint *edges = NULL;
  g_autofree guint *stack = g_new (guint, MAX (1, graph->n_vertices));
  g_autofree guint *next = NULL;
  g_autofree guint8 *state = g_new0 (guint8, MAX (1, graph->n_vertices)); /* 1 on the way, 2 done */

  index_edges (graph, &first, &edges);
  next = g_memdup2 (first, (graph->n_vertices + 1) * sizeof *first);
  for (guint root = 0; root < graph->n_vertices; root++)
    {
      guint depth = 0;

      if (state[root] != 0)
        continue;
      stack[depth++] = root;
      state[root] = 1;
      while (depth > 0)
        {
          guint v = stack[depth - 1];

          if (next[v] == first[v + 1])
            {
              state[v] = 2;
              depth--;
              continue;
            }
          else
            {
              guint e = edges[next[v]++], to = graph->edges[e].vertex;

              if (state[to] == 1)
                back[e] = TRUE;
              else if (state[to] == 0)
                {
                  state[to] = 1;
                  stack[depth++] = to;
                }
            }
        }
    }
  return back;
}

static void
make_lines (Build *b)
{
  const PlotRankGraph *graph = b->graph;
  g_autofree gboolean *back = find_back_edges (graph);

  g_array_append_vals (b->trunks, graph->trunks, graph->n_trunks);
  for (guint i = 0; i < graph->n_edges; i++)
    {
      const PlotRankEdge *edge = &graph->edges[i];
      const PlotRankTrunk *trunk = &graph->trunks[edge->trunk];
      Line line = { edge->trunk, edge->vertex, i, edge->dx, FALSE, FALSE };

      g_assert (edge->vertex < graph->n_vertices && trunk->vertex < graph->n_vertices);
      if (trunk->vertex == edge->vertex)
        continue;
      if (back[i])
        {
          /* Beside the middle, where the line down leaves. */
          PlotRankTrunk other = { edge->vertex, graph->vertices[edge->vertex].w / 4 };

          line.trunk = b->trunks->len;
          line.vertex = trunk->vertex;
          line.dx = NAN;
          line.reversed = TRUE;
          b->n_reversed++;
          g_array_append_val (b->trunks, other);
        }
      g_array_append_val (b->lines, line);
    }
}

/* --- ranks --- */

static void
index_lines (Build *b)
{
  guint n = b->graph->n_vertices;

  b->lines_first = g_new0 (guint, n + 1);
  b->lines_below = g_new (guint, MAX (1, b->lines->len));
  for (guint i = 0; i < b->lines->len; i++)
    b->lines_first[get_trunk (b, get_line (b, i)->trunk)->vertex + 1]++;
  for (guint v = 0; v < n; v++)
    b->lines_first[v + 1] += b->lines_first[v];
  for (guint i = b->lines->len; i-- > 0;)
    b->lines_below[--b->lines_first[get_trunk (b, get_line (b, i)->trunk)->vertex + 1]] = i;
  for (guint v = 0; v < n; v++)
    b->lines_first[v] = b->lines_first[v + 1];
  b->lines_first[n] = b->lines->len;
}

/* Longest way from the top; what has no line above it comes down to its first reader. */
static void
give_ranks (Build *b, guint *rank)
{
  const PlotRankGraph *graph = b->graph;
  guint n = graph->n_vertices, head = 0, tail = 0, last = 0;
  g_autofree guint *n_above = g_new0 (guint, MAX (1, n));
  g_autofree guint *queue = g_new (guint, MAX (1, n));
  g_autofree gboolean *top = g_new0 (gboolean, MAX (1, n));
  gboolean any_first = FALSE;

  for (guint v = 0; v < n; v++)
    any_first |= graph->vertices[v].pin == PLOT_RANK_FIRST;
  for (guint i = 0; i < b->lines->len; i++)
    n_above[get_line (b, i)->vertex]++;
  for (guint v = 0; v < n; v++)
    {
      rank[v] = any_first && graph->vertices[v].pin != PLOT_RANK_FIRST;
      top[v] = n_above[v] == 0;
      if (top[v])
        queue[tail++] = v;
    }
  while (head < tail)
    {
      guint v = queue[head++];

      for (guint i = b->lines_first[v]; i < b->lines_first[v + 1]; i++)
        {
          guint to = get_line (b, b->lines_below[i])->vertex;

          rank[to] = MAX (rank[to], rank[v] + 1);
          if (--n_above[to] == 0)
            queue[tail++] = to;
        }
    }
  g_assert (tail == n); /* no cycle is left */
  for (guint v = 0; v < n; v++)
    {
      guint least = PLOT_RANK_NONE;

      for (guint i = b->lines_first[v]; top[v] && i < b->lines_first[v + 1]; i++)
        least = MIN (least, rank[get_line (b, b->lines_below[i])->vertex]);
      if (least != PLOT_RANK_NONE && graph->vertices[v].pin == PLOT_RANK_ANY && least > rank[v])
        rank[v] = least - 1;
      if (graph->vertices[v].pin != PLOT_RANK_LAST)
        last = MAX (last, rank[v] + 1);
    }
  for (guint v = 0; v < n; v++)
    if (graph->vertices[v].pin == PLOT_RANK_LAST)
      rank[v] = last;
}

/* Numbers without gaps; returns how many. */
static guint
close_gaps (guint *rank, guint n)
{
  guint most = 0, next = 0;
  g_autofree guint *number = NULL;

  for (guint v = 0; v < n; v++)
    most = MAX (most, rank[v]);
  number = g_new0 (guint, (gsize)most + 2);
  for (guint v = 0; v < n; v++)
    number[rank[v]] = 1;
  for (guint r = 0; r <= most; r++)
    number[r] = number[r] ? next++ : 0;
  for (guint v = 0; v < n; v++)
    rank[v] = number[rank[v]];
  return n > 0 ? next : 0;
}

/* --- dummies --- */

/* Longest lines stop counting until the rest needs no more than @most dummies. */
static void
loosen (Build *b, const guint *rank, guint most)
{
  guint limit = PLOT_RANK_NONE;

  for (;;)
    {
      guint64 total = 0;
      guint longest = 0;

      b->n_loose = 0;
      memset (b->span, 0, b->trunks->len * sizeof *b->span);
      for (guint i = 0; i < b->lines->len; i++)
        {
          Line *line = get_line (b, i);
          guint length = rank[line->vertex] - rank[get_trunk (b, line->trunk)->vertex];

          line->loose = length > limit;
          b->n_loose += line->loose;
          if (!line->loose)
            b->span[line->trunk] = MAX (b->span[line->trunk], length);
        }
      for (guint t = 0; t < b->trunks->len; t++)
        {
          total += b->span[t] > 0 ? b->span[t] - 1 : 0;
          longest = MAX (longest, b->span[t]);
        }
      if (total <= most || longest <= 1)
        return;
      limit = longest - MAX (1, longest / 4);
    }
}

static void
add_link (Build *b, guint up, guint down, double up_dx, double down_dx)
{
  gboolean up_line = plot_rank_point (&b->work, up)->trunk != PLOT_RANK_NONE;
  gboolean down_line = plot_rank_point (&b->work, down)->trunk != PLOT_RANK_NONE;
  /* Boxes stand under boxes, lines run straight; where a line meets a box it may bend. */
  double weight = up_line && down_line ? 6 : up_line || down_line ? 1 : 16;
  PlotRankLink link = { up, down, up_dx, isnan (down_dx) ? 0 : down_dx, weight };

  g_array_append_val (b->work.links, link);
}

static void
make_points (Build *b, const guint *rank)
{
  const PlotRankGraph *graph = b->graph;

  for (guint v = 0; v < graph->n_vertices; v++)
    {
      PlotRankPoint point
          = { graph->vertices[v].w, graph->vertices[v].h, 0, rank[v], 0, PLOT_RANK_NONE };

      g_array_append_val (b->work.points, point);
    }
  for (guint t = 0; t < b->trunks->len; t++)
    {
      const PlotRankTrunk *trunk = get_trunk (b, t);
      guint at = trunk->vertex;

      b->dummy_first[t] = b->work.points->len;
      for (guint i = 1; i < b->span[t]; i++)
        {
          PlotRankPoint point = { 0, 0, 0, rank[trunk->vertex] + i, 0, t };
          guint id = b->work.points->len;

          g_array_append_val (b->work.points, point);
          add_link (b, at, id, i == 1 ? trunk->dx : 0, 0);
          at = id;
        }
    }
  for (guint i = 0; i < b->lines->len; i++)
    {
      const Line *line = get_line (b, i);
      const PlotRankTrunk *trunk = get_trunk (b, line->trunk);
      guint length = rank[line->vertex] - rank[trunk->vertex];

      if (line->loose)
        continue;
      if (length == 1)
        add_link (b, trunk->vertex, line->vertex, trunk->dx, line->dx);
      else
        add_link (b, b->dummy_first[line->trunk] + length - 2, line->vertex, 0, line->dx);
    }
}

static void
index_side (const PlotRankWork *work, gboolean above, PlotRankSide *side)
{
  guint n = work->points->len;

  side->first = g_new0 (guint, n + 1);
  side->links = g_new (guint, MAX (1, work->links->len));
  for (guint i = 0; i < work->links->len; i++)
    {
      const PlotRankLink *link = plot_rank_link (work, i);

      side->first[(above ? link->down : link->up) + 1]++;
    }
  for (guint p = 0; p < n; p++)
    side->first[p + 1] += side->first[p];
  for (guint i = work->links->len; i-- > 0;)
    {
      const PlotRankLink *link = plot_rank_link (work, i);

      side->links[--side->first[(above ? link->down : link->up) + 1]] = i;
    }
  for (guint p = 0; p < n; p++)
    side->first[p] = side->first[p + 1];
  side->first[n] = work->links->len;
}

/* The order to begin with: vertices as given, the line of a vertex right of it. */
static void
first_order (Build *b)
{
  PlotRankWork *work = &b->work;
  guint n = work->points->len, n_vertices = b->graph->n_vertices;
  g_autofree guint *next = g_new0 (guint, work->n_ranks + 1);
  g_autofree guint *trunks_first = g_new0 (guint, n_vertices + 2);
  g_autofree guint *trunks = g_new (guint, MAX (1, b->trunks->len));

  work->rank_first = g_new0 (guint, work->n_ranks + 1);
  work->by_rank = g_new (guint, MAX (1, n));
  for (guint i = 0; i < n; i++)
    work->rank_first[plot_rank_point (work, i)->rank + 1]++;
  for (guint r = 0; r < work->n_ranks; r++)
    {
      work->rank_first[r + 1] += work->rank_first[r];
      next[r + 1] = work->rank_first[r + 1];
    }
  for (guint t = 0; t < b->trunks->len; t++)
    trunks_first[get_trunk (b, t)->vertex + 2]++;
  for (guint v = 0; v < n_vertices; v++)
    trunks_first[v + 2] += trunks_first[v + 1];
  for (guint t = 0; t < b->trunks->len; t++)
    trunks[trunks_first[get_trunk (b, t)->vertex + 1]++] = t;
  for (guint v = 0; v < n_vertices; v++)
    {
      work->by_rank[next[plot_rank_point (work, v)->rank]++] = v;
      for (guint k = trunks_first[v]; k < trunks_first[v + 1]; k++)
        for (guint i = 0; i + 1 < b->span[trunks[k]]; i++)
          {
            guint dummy = b->dummy_first[trunks[k]] + i;

            work->by_rank[next[plot_rank_point (work, dummy)->rank]++] = dummy;
          }
    }
  for (guint r = 0; r < work->n_ranks; r++)
    for (guint i = work->rank_first[r]; i < work->rank_first[r + 1]; i++)
      plot_rank_point (work, work->by_rank[i])->order = i - work->rank_first[r];
}

/* --- the result --- */

/* Upper and lower side of every rank; more air where many lines pass. */
static void
give_heights (const Build *b, double y_gap, double *top, double *bottom)
{
  const PlotRankWork *work = &b->work;
  g_autofree guint *n_slanted = g_new0 (guint, work->n_ranks + 1);
  double y = 0;

  for (guint i = 0; i < work->links->len; i++)
    {
      const PlotRankLink *link = plot_rank_link (work, i);
      const PlotRankPoint *up = plot_rank_point (work, link->up);

      n_slanted[up->rank] += fabs (up->x - plot_rank_point (work, link->down)->x) > 60;
    }
  for (guint r = 0; r < work->n_ranks; r++)
    {
      double height = 0;

      for (guint i = work->rank_first[r]; i < work->rank_first[r + 1]; i++)
        height = fmax (height, plot_rank_point (work, work->by_rank[i])->h);
      top[r] = y;
      bottom[r] = y + height;
      y += height + y_gap + fmin (80, 3.0 * n_slanted[r]);
    }
}

typedef struct
{
  double key;
  guint line;
} End;

static int
compare_ends (const void *a, const void *b)
{
  const End *x = a, *y = b;

  if (x->key != y->key)
    return x->key < y->key ? -1 : 1;
  return x->line < y->line ? -1 : x->line > y->line;
}

static double
upper_x (const Build *b, const Line *line)
{
  const PlotRankTrunk *trunk = get_trunk (b, line->trunk);
  guint length = plot_rank_point (&b->work, line->vertex)->rank
                 - plot_rank_point (&b->work, trunk->vertex)->rank;

  if (length == 1 || line->loose)
    return plot_rank_point (&b->work, trunk->vertex)->x + trunk->dx;
  return plot_rank_point (&b->work, b->dummy_first[line->trunk] + length - 2)->x;
}

/* Lines that end at one vertex end side by side, in the order they come from; one that comes
 * straight from above has the middle if it is alone there. */
static void
spread_ends (Build *b)
{
  guint n = b->graph->n_vertices;
  g_autofree guint *first = g_new0 (guint, n + 1);
  g_autofree End *ends = g_new (End, MAX (1, b->lines->len));

  for (guint i = 0; i < b->lines->len; i++)
    first[get_line (b, i)->vertex + 1]++;
  for (guint v = 0; v < n; v++)
    first[v + 1] += first[v];
  for (guint i = b->lines->len; i-- > 0;)
    ends[--first[get_line (b, i)->vertex + 1]] = (End){ upper_x (b, get_line (b, i)), i };
  for (guint v = 0; v < n; v++)
    {
      guint from = first[v + 1], to = v + 1 < n ? first[v + 2] : b->lines->len, n_ends = to - from;
      const PlotRankPoint *vertex = plot_rank_point (&b->work, v);
      double step = n_ends > 1 ? fmin (14, 0.7 * vertex->w / n_ends) : 0,
             middle = (n_ends - 1) / 2.0;

      if (n_ends > 1)
        qsort (ends + from, n_ends, sizeof *ends, compare_ends);
      for (guint k = 0; k < n_ends; k++)
        if (fabs (ends[from + k].key - vertex->x) < 0.5 && fabs (k - middle) * step < vertex->w / 3)
          {
            middle = k;
            break;
          }
      for (guint k = 0; k < n_ends; k++)
        {
          Line *line = get_line (b, ends[from + k].line);

          if (isnan (line->dx))
            line->dx = CLAMP ((k - middle) * step, -0.42 * vertex->w, 0.42 * vertex->w);
        }
    }
}

static void
make_pieces (const Build *b, const PlotRank *out, const double *top, const double *bottom)
{
  const PlotRankWork *work = &b->work;

  for (guint t = 0; t < b->trunks->len; t++)
    {
      const PlotRankTrunk *trunk = get_trunk (b, t);
      const PlotRankPoint *from = plot_rank_point (work, trunk->vertex);
      double x = from->x + trunk->dx, y = out->y[trunk->vertex] + from->h;

      for (guint i = 0; t < b->graph->n_trunks && i + 1 < b->span[t]; i++)
        {
          const PlotRankPoint *dummy = plot_rank_point (work, b->dummy_first[t] + i);
          PlotRankPiece piece = { x,
                                  y,
                                  bottom[dummy->rank - 1],
                                  top[dummy->rank],
                                  dummy->x,
                                  bottom[dummy->rank],
                                  t,
                                  PLOT_RANK_NONE,
                                  0 };

          piece.flags = b->span[t] > 2 ? PLOT_PIECE_LONG : 0;
          g_array_append_val (out->pieces, piece);
          x = piece.x1;
          y = piece.y1;
        }
    }
  for (guint i = 0; i < b->lines->len; i++)
    {
      const Line *line = get_line (b, i);
      const PlotRankTrunk *trunk = get_trunk (b, line->trunk);
      const PlotRankPoint *to = plot_rank_point (work, line->vertex);
      const PlotRankPoint *from = plot_rank_point (work, trunk->vertex);
      guint given = b->graph->edges[line->given].trunk;
      PlotRankPiece piece = { .x0 = from->x + trunk->dx,
                              .y0 = out->y[trunk->vertex] + from->h,
                              .c0 = bottom[from->rank],
                              .c1 = top[to->rank],
                              .x1 = to->x + line->dx,
                              .y1 = out->y[line->vertex],
                              .trunk = given,
                              .edge = line->given,
                              .flags = line->reversed ? PLOT_PIECE_REVERSED : 0 };

      if (line->loose)
        piece.flags |= PLOT_PIECE_LOOSE;
      if (to->rank - from->rank > 2)
        piece.flags |= PLOT_PIECE_LONG;
      for (guint k = 0; line->reversed && !line->loose && k + 1 < to->rank - from->rank; k++)
        {
          const PlotRankPoint *dummy = plot_rank_point (work, b->dummy_first[line->trunk] + k);
          PlotRankPiece part = piece;

          part.c0 = bottom[dummy->rank - 1];
          part.c1 = top[dummy->rank];
          part.x1 = dummy->x;
          part.y1 = bottom[dummy->rank];
          g_array_append_val (out->pieces, part);
          piece.x0 = part.x1;
          piece.y0 = part.y1;
          piece.c0 = part.y1;
        }
      if (!line->reversed && !line->loose && to->rank - from->rank > 1)
        {
          piece.x0
              = plot_rank_point (work, b->dummy_first[line->trunk] + to->rank - from->rank - 2)->x;
          piece.y0 = piece.c0 = bottom[to->rank - 1];
        }
      g_array_append_val (out->pieces, piece);
    }
}

static PlotRank *
make_result (Build *b, double y_gap)
{
  PlotRank *out = g_new0 (PlotRank, 1);
  const PlotRankWork *work = &b->work;
  guint n = b->graph->n_vertices;
  g_autofree double *top = g_new0 (double, work->n_ranks + 1);
  g_autofree double *bottom = g_new0 (double, work->n_ranks + 1);
  double left = INFINITY, right = -INFINITY;

  for (guint i = 0; i < work->points->len; i++)
    {
      const PlotRankPoint *point = plot_rank_point (work, i);

      left = fmin (left, point->x - point->w / 2);
      right = fmax (right, point->x + point->w / 2);
    }
  for (guint i = 0; i < work->points->len; i++)
    plot_rank_point (work, i)->x -= left;
  give_heights (b, y_gap, top, bottom);

  out->n_vertices = n;
  out->n_ranks = work->n_ranks;
  out->x = g_new (double, MAX (1, n));
  out->y = g_new (double, MAX (1, n));
  out->rank = g_new (guint, MAX (1, n));
  out->pieces = g_array_new (FALSE, FALSE, sizeof (PlotRankPiece));
  out->width = n > 0 ? right - left : 0;
  out->height = work->n_ranks > 0 ? bottom[work->n_ranks - 1] : 0;
  out->n_dummies = work->points->len - n;
  out->n_reversed = b->n_reversed;
  out->n_loose = b->n_loose;
  for (guint v = 0; v < n; v++)
    {
      const PlotRankPoint *point = plot_rank_point (work, v);

      out->x[v] = point->x - point->w / 2;
      out->y[v] = (top[point->rank] + bottom[point->rank] - point->h) / 2;
      if (b->graph->vertices[v].pin == PLOT_RANK_FIRST)
        out->y[v] = top[point->rank];
      out->rank[v] = point->rank;
    }
  spread_ends (b);
  make_pieces (b, out, top, bottom);
  return out;
}

static void
build_clear (Build *b)
{
  g_array_unref (b->trunks);
  g_array_unref (b->lines);
  g_array_unref (b->work.points);
  g_array_unref (b->work.links);
  g_free (b->lines_first);
  g_free (b->lines_below);
  g_free (b->span);
  g_free (b->dummy_first);
  g_free (b->work.above.first);
  g_free (b->work.above.links);
  g_free (b->work.below.first);
  g_free (b->work.below.links);
  g_free (b->work.rank_first);
  g_free (b->work.by_rank);
}

PlotRank *
plot_rank_new (const PlotRankGraph *graph, const PlotRankOptions *options,
               GCancellable *cancellable, PlotRankProgress progress, gpointer data)
{
  Build b = { .graph = graph,
              .trunks = g_array_new (FALSE, FALSE, sizeof (PlotRankTrunk)),
              .lines = g_array_new (FALSE, FALSE, sizeof (Line)) };
  g_autofree guint *rank = g_new0 (guint, MAX (1, graph->n_vertices));
  PlotRank *out = NULL;
  guint64 n_crossings = 0;

  b.work.points = g_array_new (FALSE, FALSE, sizeof (PlotRankPoint));
  b.work.links = g_array_new (FALSE, FALSE, sizeof (PlotRankLink));
  b.work.x_gap = options->x_gap > 0 ? options->x_gap : X_GAP;
  b.work.line_gap = options->line_gap > 0 ? options->line_gap : LINE_GAP;
  b.work.cancellable = cancellable;
  b.work.progress = progress;
  b.work.progress_data = data;

  make_lines (&b);
  index_lines (&b);
  give_ranks (&b, rank);
  b.work.n_ranks = close_gaps (rank, graph->n_vertices);
  b.span = g_new0 (guint, MAX (1, b.trunks->len));
  b.dummy_first = g_new0 (guint, MAX (1, b.trunks->len));
  loosen (&b, rank, options->max_dummies > 0 ? options->max_dummies : MAX_DUMMIES);
  make_points (&b, rank);
  index_side (&b.work, TRUE, &b.work.above);
  index_side (&b.work, FALSE, &b.work.below);
  first_order (&b);
  if (plot_rank_order (&b.work, options->n_sweeps, &n_crossings) && plot_rank_place (&b.work))
    {
      out = make_result (&b, options->y_gap > 0 ? options->y_gap : Y_GAP);
      out->n_crossings = n_crossings;
    }
  build_clear (&b);
  return out;
}

void
plot_rank_free (PlotRank *self)
{
  if (self == NULL)
    return;
  g_free (self->x);
  g_free (self->y);
  g_free (self->rank);
  g_array_unref (self->pieces);
  g_free (self);
}
