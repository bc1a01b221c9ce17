/* From the shape of a graph to the places of everything: which boxes are shown, the layout of each
 * expanded group on its own, the layout of all with those as large boxes, lines that enter and
 * leave groups through ports, and the index. Runs on a worker; must not know names or values.
 *
 *        |                port: where a line from outside enters the frame
 *   +----o---------+
 *   | Block 3      |      header
 *   |   [ ]  [ ]   |      its own layered layout
 *   +--------o-----+
 *            |            port: where a line leaves; below, the trunk continues outside
 */

#include "plot-graph-scene-private.h"

#include <math.h>
#include <string.h>

#define FRAME_PAD 16.0

/* A line as shown: between endpoints. */
typedef struct
{
  guint from, to;
} Pair;

/* A port of an expanded group: vertex @vertex of its layout stands for @endpoint outside (in) or
 * inside (out). */
typedef struct
{
  guint endpoint, vertex;
  double dx; /* from the middle of the frame */
} Port;

typedef struct
{
  GArray *members;            /* guint: nodes */
  GArray *ins, *outs;         /* Port */
  GHashTable *in_of, *out_of; /* endpoint -> port + 1 */
  GArray *edges;              /* PlotRankEdge; trunks are: members, then ins */
  PlotRank *rank;
} Frame;

typedef struct
{
  const PlotGraphShape *shape;
  const guint8 *expanded;
  PlotRankOptions options;
  GCancellable *cancellable;
  PlotRankProgress progress;
  gpointer progress_data;

  GArray *pairs;   /* Pair, sorted, each once */
  Frame **frames;  /* [n_groups], NULL for closed ones */
  guint *vertex;   /* endpoint -> vertex of the outer layout (frames: of the group) */
  GArray *outer;   /* guint: endpoint of each outer vertex */
  GArray *pieces;  /* PlotGraphPiece */
  GArray *boxes;   /* PlotGraphRect */
  GArray *box_ids; /* guint */
} Make;

static guint
shown (const Make *m, guint node)
{
  guint group = m->shape->group_of[node];

  return group == PLOT_GRAPH_NO_GROUP || m->expanded[group] ? node : m->shape->n_nodes + group;
}

/* Group of an endpoint if it stands inside a frame. */
static guint
frame_of (const Make *m, guint endpoint)
{
  guint group = endpoint < m->shape->n_nodes ? m->shape->group_of[endpoint] : PLOT_GRAPH_NO_GROUP;

  return group != PLOT_GRAPH_NO_GROUP && m->expanded[group] ? group : PLOT_GRAPH_NONE;
}

/* The outer endpoint: the frame's group for what stands inside one. */
static guint
outside (const Make *m, guint endpoint)
{
  guint frame = frame_of (m, endpoint);

  return frame != PLOT_GRAPH_NONE ? m->shape->n_nodes + frame : endpoint;
}

/* --- what is shown --- */

static int
compare_pairs (const void *a, const void *b)
{
  const Pair *x = a, *y = b;

  if (x->from != y->from)
    return x->from < y->from ? -1 : 1;
  return x->to < y->to ? -1 : x->to > y->to;
}

static void
find_pairs (Make *m)
{
  guint n = 0;

  for (guint i = 0; i < m->shape->n_edges; i++)
    {
      Pair pair = { shown (m, m->shape->from[i]), shown (m, m->shape->to[i]) };

      if (pair.from != pair.to)
        g_array_append_val (m->pairs, pair);
    }
  if (m->pairs->len > 1)
    qsort (m->pairs->data, m->pairs->len, sizeof (Pair), compare_pairs);
  for (guint i = 0; i < m->pairs->len; i++)
    {
      Pair *pairs = (Pair *)m->pairs->data;

      if (i == 0 || compare_pairs (&pairs[i], &pairs[n - 1]) != 0)
        pairs[n++] = pairs[i];
    }
  g_array_set_size (m->pairs, n);
}

static void
find_outer (Make *m)
{
  const PlotGraphShape *shape = m->shape;
  guint n = shape->n_nodes + shape->n_groups;

  m->vertex = g_new (guint, MAX (1, n));
  for (guint i = 0; i < n; i++)
    m->vertex[i] = PLOT_GRAPH_NONE;
  for (guint i = 0; i < shape->n_nodes; i++)
    {
      guint group = shape->group_of[i];
      guint endpoint = group == PLOT_GRAPH_NO_GROUP ? i : shape->n_nodes + group;

      if (m->vertex[endpoint] == PLOT_GRAPH_NONE)
        {
          m->vertex[endpoint] = m->outer->len;
          g_array_append_val (m->outer, endpoint);
        }
      if (group != PLOT_GRAPH_NO_GROUP && m->frames[group] != NULL)
        {
          m->vertex[i] = m->frames[group]->members->len; /* within the frame */
          g_array_append_val (m->frames[group]->members, i);
        }
    }
}

/* --- frames --- */

static Frame *
frame_new (void)
{
  Frame *self = g_new0 (Frame, 1);

  self->members = g_array_new (FALSE, FALSE, sizeof (guint));
  self->ins = g_array_new (FALSE, FALSE, sizeof (Port));
  self->outs = g_array_new (FALSE, FALSE, sizeof (Port));
  self->in_of = g_hash_table_new (NULL, NULL);
  self->out_of = g_hash_table_new (NULL, NULL);
  self->edges = g_array_new (FALSE, FALSE, sizeof (PlotRankEdge));
  return self;
}

static void
frame_free (Frame *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->members);
  g_array_unref (self->ins);
  g_array_unref (self->outs);
  g_hash_table_unref (self->in_of);
  g_hash_table_unref (self->out_of);
  g_array_unref (self->edges);
  plot_rank_free (self->rank);
  g_free (self);
}

/* The port for @endpoint, made when there is none; @is_new tells. */
static guint
get_port (GArray *ports, GHashTable *by_endpoint, guint endpoint, gboolean *is_new)
{
  guint at = GPOINTER_TO_UINT (g_hash_table_lookup (by_endpoint, GUINT_TO_POINTER (endpoint)));
  Port port = { endpoint, 0, 0 };

  *is_new = at == 0;
  if (at > 0)
    return at - 1;
  g_array_append_val (ports, port);
  g_hash_table_insert (by_endpoint, GUINT_TO_POINTER (endpoint), GUINT_TO_POINTER (ports->len));
  return ports->len - 1;
}

/* Lines within frames and from and to their ports. */
static void
fill_frames (Make *m)
{
  gboolean is_new;

  for (guint i = 0; i < m->pairs->len; i++)
    {
      const Pair *pair = &g_array_index (m->pairs, Pair, i);
      guint from = frame_of (m, pair->from), to = frame_of (m, pair->to);
      Frame *a = from != PLOT_GRAPH_NONE ? m->frames[from] : NULL;
      Frame *b = to != PLOT_GRAPH_NONE ? m->frames[to] : NULL;

      if (a != NULL && a == b)
        {
          PlotRankEdge edge = { m->vertex[pair->from], m->vertex[pair->to], NAN };

          g_array_append_val (a->edges, edge);
          continue;
        }
      if (a != NULL)
        {
          guint port = get_port (a->outs, a->out_of, pair->from, &is_new);
          PlotRankEdge edge = { m->vertex[pair->from], port, 0 }; /* numbered when all are known */

          if (is_new)
            {
              g_array_append_val (a->edges, edge);
              g_array_index (a->outs, Port, port).vertex = a->edges->len - 1;
            }
        }
      if (b != NULL)
        {
          guint port = get_port (b->ins, b->in_of, pair->from, &is_new);
          PlotRankEdge edge = { b->members->len + port, m->vertex[pair->to], NAN };

          g_array_append_val (b->edges, edge);
        }
    }
}

static gboolean
lay_out_frame (const Make *m, Frame *frame)
{
  guint n_members = frame->members->len, n_in = frame->ins->len, n_out = frame->outs->len;
  g_autofree PlotRankVertex *vertices = g_new0 (PlotRankVertex, n_members + n_in + n_out + 1);
  g_autofree PlotRankTrunk *trunks = g_new0 (PlotRankTrunk, n_members + n_in + 1);
  PlotRankGraph graph = { .vertices = vertices,
                          .n_vertices = n_members + n_in + n_out,
                          .trunks = trunks,
                          .n_trunks = n_members + n_in };

  for (guint i = 0; i < n_members; i++)
    vertices[i] = (PlotRankVertex){ m->shape->width[g_array_index (frame->members, guint, i)],
                                    PLOT_GRAPH_BOX_H, PLOT_RANK_ANY };
  for (guint i = 0; i < n_in; i++)
    vertices[n_members + i] = (PlotRankVertex){ 1, 0, PLOT_RANK_FIRST };
  for (guint i = 0; i < n_out; i++)
    {
      Port *port = &g_array_index (frame->outs, Port, i);

      vertices[n_members + n_in + i] = (PlotRankVertex){ 1, 0, PLOT_RANK_LAST };
      g_array_index (frame->edges, PlotRankEdge, port->vertex).vertex = n_members + n_in + i;
      port->vertex = n_members + n_in + i;
    }
  for (guint i = 0; i < n_in; i++)
    g_array_index (frame->ins, Port, i).vertex = n_members + i;
  for (guint i = 0; i < n_members + n_in; i++)
    trunks[i].vertex = i;
  graph.edges = (const PlotRankEdge *)frame->edges->data;
  graph.n_edges = frame->edges->len;
  frame->rank = plot_rank_new (&graph, &m->options, m->cancellable, NULL, NULL);
  return frame->rank != NULL;
}

static double
frame_width (const Frame *frame)
{
  return fmax (frame->rank->width, 160) + 2 * FRAME_PAD;
}

static double
frame_height (const Frame *frame)
{
  double pads = (frame->ins->len > 0 ? 0 : FRAME_PAD) + (frame->outs->len > 0 ? 0 : FRAME_PAD);

  return frame->rank->height + PLOT_GRAPH_HEADER_H + pads;
}

static void
place_ports (Frame *frame)
{
  double middle = frame->rank->width / 2;

  for (guint i = 0; i < frame->ins->len; i++)
    {
      Port *port = &g_array_index (frame->ins, Port, i);

      port->dx = frame->rank->x[port->vertex] + 0.5 - middle;
    }
  for (guint i = 0; i < frame->outs->len; i++)
    {
      Port *port = &g_array_index (frame->outs, Port, i);

      port->dx = frame->rank->x[port->vertex] + 0.5 - middle;
    }
}

static gboolean
make_frames (Make *m)
{
  for (guint g = 0; g < m->shape->n_groups; g++)
    {
      if (m->frames[g] == NULL)
        continue;
      if (!lay_out_frame (m, m->frames[g]))
        return FALSE;
      place_ports (m->frames[g]);
    }
  return TRUE;
}

/* --- the outer layout --- */

typedef struct
{
  GArray *trunks, *edges; /* PlotRankTrunk, PlotRankEdge */
  GArray *trunk_from;     /* guint: endpoint of each trunk */
  GArray *edge_pair;      /* guint: the pair behind each edge */
} Outer;

static const Port *
find_port (GArray *ports, GHashTable *by_endpoint, guint endpoint)
{
  guint at = GPOINTER_TO_UINT (g_hash_table_lookup (by_endpoint, GUINT_TO_POINTER (endpoint)));

  g_assert (at > 0);
  return &g_array_index (ports, Port, at - 1);
}

/* Pairs are sorted by origin, so the trunk of an origin is the last one made. */
static void
fill_outer (const Make *m, Outer *outer)
{
  g_autoptr (GHashTable) entered = g_hash_table_new (NULL, NULL);
  guint last = PLOT_GRAPH_NONE;

  for (guint i = 0; i < m->pairs->len; i++)
    {
      const Pair *pair = &g_array_index (m->pairs, Pair, i);
      guint from = outside (m, pair->from), to = outside (m, pair->to);
      guint frame_from = frame_of (m, pair->from), frame_to = frame_of (m, pair->to);
      PlotRankEdge edge;

      if (from == to)
        continue;
      if (pair->from != last)
        {
          PlotRankTrunk trunk = { m->vertex[from], 0 };

          if (frame_from != PLOT_GRAPH_NONE)
            trunk.dx
                = find_port (m->frames[frame_from]->outs, m->frames[frame_from]->out_of, pair->from)
                      ->dx;
          g_array_append_val (outer->trunks, trunk);
          g_array_append_val (outer->trunk_from, pair->from);
          g_hash_table_remove_all (entered);
          last = pair->from;
        }
      edge = (PlotRankEdge){ outer->trunks->len - 1, m->vertex[to], NAN };
      if (frame_to != PLOT_GRAPH_NONE)
        {
          if (!g_hash_table_add (entered, GUINT_TO_POINTER (frame_to)))
            continue; /* one line into the frame, branching inside */
          edge.dx
              = find_port (m->frames[frame_to]->ins, m->frames[frame_to]->in_of, pair->from)->dx;
        }
      g_array_append_val (outer->edges, edge);
      g_array_append_val (outer->edge_pair, i);
    }
}

static PlotRank *
lay_out_outer (const Make *m, const Outer *outer)
{
  guint n = m->outer->len;
  g_autofree PlotRankVertex *vertices = g_new0 (PlotRankVertex, MAX (1, n));
  PlotRankGraph graph = { .vertices = vertices,
                          .n_vertices = n,
                          .trunks = (const PlotRankTrunk *)outer->trunks->data,
                          .n_trunks = outer->trunks->len,
                          .edges = (const PlotRankEdge *)outer->edges->data,
                          .n_edges = outer->edges->len };

  for (guint v = 0; v < n; v++)
    {
      guint endpoint = g_array_index (m->outer, guint, v);
      const Frame *frame
          = endpoint >= m->shape->n_nodes ? m->frames[endpoint - m->shape->n_nodes] : NULL;

      vertices[v].w = frame != NULL ? frame_width (frame) : m->shape->width[endpoint];
      vertices[v].h = frame != NULL ? frame_height (frame) : PLOT_GRAPH_BOX_H;
    }
  return plot_rank_new (&graph, &m->options, m->cancellable, m->progress, m->progress_data);
}

/* --- pieces and boxes --- */

static void
add_box (Make *m, guint endpoint, double x, double y, double w, double h)
{
  PlotGraphRect rect = { (float)x, (float)y, (float)(x + w), (float)(y + h) };

  g_array_append_val (m->boxes, rect);
  g_array_append_val (m->box_ids, endpoint);
}

static PlotGraphPiece
convert (const PlotRankPiece *piece, double x, double y)
{
  return (PlotGraphPiece){ (float)(piece->x0 + x), (float)(piece->y0 + y),
                           (float)(piece->c0 + y), (float)(piece->c1 + y),
                           (float)(piece->x1 + x), (float)(piece->y1 + y),
                           PLOT_GRAPH_NONE,        PLOT_GRAPH_NONE,
                           PLOT_GRAPH_NONE,        piece->flags };
}

static void
add_outer_pieces (Make *m, const Outer *outer, const PlotRank *rank)
{
  for (guint i = 0; i < rank->pieces->len; i++)
    {
      const PlotRankPiece *given = &g_array_index (rank->pieces, PlotRankPiece, i);
      PlotGraphPiece piece = convert (given, 0, 0);

      piece.from = g_array_index (outer->trunk_from, guint, given->trunk);
      if (given->edge != PLOT_RANK_NONE)
        {
          guint at = g_array_index (outer->edge_pair, guint, given->edge);
          guint to = g_array_index (m->pairs, Pair, at).to;

          piece.into = frame_of (m, to);
          piece.to = piece.into != PLOT_GRAPH_NONE ? PLOT_GRAPH_NONE : to;
        }
      g_array_append_val (m->pieces, piece);
    }
}

static void
add_frame_pieces (Make *m, guint group, double x, double y, double w, double h)
{
  const Frame *frame = m->frames[group];
  guint n_members = frame->members->len;
  double left = x + (w - frame->rank->width) / 2;
  double top = y + PLOT_GRAPH_HEADER_H;
  for (guint i = 0; i < frame->rank->pieces->len; i++)
    {
      const PlotRankPiece *given = &g_array_index (frame->rank->pieces, PlotRankPiece, i);
      PlotGraphPiece piece = convert (given, left, top);

      if (given->trunk < n_members)
        piece.from = g_array_index (frame->members, guint, given->trunk);
      else
        {
          piece.from = g_array_index (frame->ins, Port, given->trunk - n_members).endpoint;
          if (given->y0 <= 0) /* down from the edge of the frame, past its header */
            piece.y0 = (float)y;
        }
      if (given->edge != PLOT_RANK_NONE)
        {
          guint to = g_array_index (frame->edges, PlotRankEdge, given->edge).vertex;

          if (to < n_members)
            piece.to = g_array_index (frame->members, guint, to);
          else
            piece.y1 = (float)(y + h);
        }
      g_array_append_val (m->pieces, piece);
    }
  for (guint i = 0; i < n_members; i++)
    {
      guint node = g_array_index (frame->members, guint, i);

      add_box (m, node, left + frame->rank->x[i], top + frame->rank->y[i], m->shape->width[node],
               PLOT_GRAPH_BOX_H);
    }
}

/* Frames first, so that what stands inside lies above them. */
static guint
add_boxes (Make *m, const PlotRank *rank)
{
  guint n_frames = 0;

  for (guint pass = 0; pass < 3; pass++)
    for (guint v = 0; v < m->outer->len; v++)
      {
        guint endpoint = g_array_index (m->outer, guint, v);
        guint group
            = endpoint >= m->shape->n_nodes ? endpoint - m->shape->n_nodes : PLOT_GRAPH_NONE;
        const Frame *frame = group != PLOT_GRAPH_NONE ? m->frames[group] : NULL;

        if (pass == 0 && frame != NULL)
          {
            add_box (m, endpoint, rank->x[v], rank->y[v], frame_width (frame),
                     frame_height (frame));
            n_frames++;
          }
        else if (pass == 1 && frame == NULL)
          add_box (m, endpoint, rank->x[v], rank->y[v], m->shape->width[endpoint],
                   PLOT_GRAPH_BOX_H);
        else if (pass == 2 && frame != NULL)
          add_frame_pieces (m, group, rank->x[v], rank->y[v], frame_width (frame),
                            frame_height (frame));
      }
  return n_frames;
}

/* --- the scene --- */

static int
compare_pieces (const void *a, const void *b)
{
  const PlotGraphPiece *x = a, *y = b;

  if (x->from != y->from)
    return x->from < y->from ? -1 : 1;
  if (x->y0 != y->y0)
    return x->y0 < y->y0 ? -1 : 1;
  if (x->x1 != y->x1)
    return x->x1 < y->x1 ? -1 : 1;
  return x->y1 < y->y1 ? -1 : x->y1 > y->y1;
}

static void
index_pieces (PlotGraphScene *self)
{
  if (self->n_pieces > 1)
    qsort (self->pieces, self->n_pieces, sizeof *self->pieces, compare_pieces);
  self->pieces_first = g_new0 (guint, self->n_endpoints + 1);
  self->piece_rects = g_new (PlotGraphRect, MAX (1, self->n_pieces));
  for (guint i = 0; i < self->n_pieces; i++)
    {
      const PlotGraphPiece *piece = &self->pieces[i];

      self->pieces_first[piece->from + 1]++;
      self->piece_rects[i] = (PlotGraphRect){ fminf (piece->x0, piece->x1), piece->y0,
                                              fmaxf (piece->x0, piece->x1), piece->y1 };
    }
  for (guint e = 0; e < self->n_endpoints; e++)
    self->pieces_first[e + 1] += self->pieces_first[e];
  self->piece_index = plot_graph_index_new (self->piece_rects, self->n_pieces);
}

static void
link_endpoints (PlotGraphScene *self, const GArray *pairs)
{
  guint n = self->n_endpoints;

  self->n_lines = pairs->len;
  self->out_first = g_new0 (guint, n + 2);
  self->in_first = g_new0 (guint, n + 2);
  self->out_list = g_new (guint, MAX (1, pairs->len));
  self->in_list = g_new (guint, MAX (1, pairs->len));
  for (guint i = 0; i < pairs->len; i++)
    {
      const Pair *pair = &g_array_index (pairs, Pair, i);

      self->out_first[pair->from + 2]++;
      self->in_first[pair->to + 2]++;
    }
  for (guint e = 0; e < n; e++)
    {
      self->out_first[e + 2] += self->out_first[e + 1];
      self->in_first[e + 2] += self->in_first[e + 1];
    }
  for (guint i = 0; i < pairs->len; i++)
    {
      const Pair *pair = &g_array_index (pairs, Pair, i);

      self->out_list[self->out_first[pair->from + 1]++] = pair->to;
      self->in_list[self->in_first[pair->to + 1]++] = pair->from;
    }
}

static PlotGraphScene *
make_scene (Make *m, const PlotRank *rank, guint n_frames)
{
  PlotGraphScene *self = g_new0 (PlotGraphScene, 1);

  g_atomic_ref_count_init (&self->refs);
  self->n_endpoints = m->shape->n_nodes + m->shape->n_groups;
  self->width = rank->width;
  self->height = rank->height;
  self->n_crossings = rank->n_crossings;
  self->n_dummies = rank->n_dummies;
  self->n_loose = rank->n_loose;
  self->rough = m->options.n_sweeps == 0;
  self->n_frames = n_frames;
  self->n_boxes = m->boxes->len;
  self->n_pieces = m->pieces->len;
  self->boxes = (PlotGraphRect *)g_array_free (g_steal_pointer (&m->boxes), FALSE);
  self->box_endpoint = (guint *)g_array_free (g_steal_pointer (&m->box_ids), FALSE);
  self->pieces = (PlotGraphPiece *)g_array_free (g_steal_pointer (&m->pieces), FALSE);
  self->box_of = g_new (guint, MAX (1, self->n_endpoints));
  for (guint e = 0; e < self->n_endpoints; e++)
    self->box_of[e] = PLOT_GRAPH_NONE;
  for (guint i = 0; i < self->n_boxes; i++)
    self->box_of[self->box_endpoint[i]] = i;
  for (guint g = 0; g < m->shape->n_groups; g++)
    if (m->frames[g] != NULL)
      {
        self->n_crossings += m->frames[g]->rank->n_crossings;
        self->n_dummies += m->frames[g]->rank->n_dummies;
        self->n_loose += m->frames[g]->rank->n_loose;
      }
  index_pieces (self);
  link_endpoints (self, m->pairs);
  self->box_index = plot_graph_index_new (self->boxes, self->n_boxes);
  return self;
}

static void
make_clear (Make *m)
{
  for (guint g = 0; g < m->shape->n_groups; g++)
    frame_free (m->frames[g]);
  g_free (m->frames);
  g_free (m->vertex);
  g_array_unref (m->pairs);
  g_array_unref (m->outer);
  g_clear_pointer (&m->pieces, g_array_unref);
  g_clear_pointer (&m->boxes, g_array_unref);
  g_clear_pointer (&m->box_ids, g_array_unref);
}

PlotGraphScene *
plot_graph_scene_new (const PlotGraphShape *shape, const guint8 *expanded, guint n_sweeps,
                      GCancellable *cancellable, PlotRankProgress progress, gpointer data)
{
  Make m = { .shape = shape,
             .expanded = expanded,
             .options = { .n_sweeps = n_sweeps },
             .cancellable = cancellable,
             .progress = progress,
             .progress_data = data,
             .pairs = g_array_new (FALSE, FALSE, sizeof (Pair)),
             .frames = g_new0 (Frame *, MAX (1, shape->n_groups)),
             .outer = g_array_new (FALSE, FALSE, sizeof (guint)),
             .pieces = g_array_new (FALSE, FALSE, sizeof (PlotGraphPiece)),
             .boxes = g_array_new (FALSE, FALSE, sizeof (PlotGraphRect)),
             .box_ids = g_array_new (FALSE, FALSE, sizeof (guint)) };
  Outer outer
      = { g_array_new (FALSE, FALSE, sizeof (PlotRankTrunk)),
          g_array_new (FALSE, FALSE, sizeof (PlotRankEdge)),
          g_array_new (FALSE, FALSE, sizeof (guint)), g_array_new (FALSE, FALSE, sizeof (guint)) };
  g_autoptr (PlotRank) rank = NULL;
  PlotGraphScene *self = NULL;

  for (guint g = 0; g < shape->n_groups; g++)
    m.frames[g] = expanded[g] ? frame_new () : NULL;
  find_pairs (&m);
  find_outer (&m);
  fill_frames (&m);
  if (make_frames (&m))
    {
      fill_outer (&m, &outer);
      rank = lay_out_outer (&m, &outer);
    }
  if (rank != NULL)
    {
      guint n_frames = add_boxes (&m, rank);

      add_outer_pieces (&m, &outer, rank);
      self = make_scene (&m, rank, n_frames);
    }
  g_array_unref (outer.trunks);
  g_array_unref (outer.edges);
  g_array_unref (outer.trunk_from);
  g_array_unref (outer.edge_pair);
  make_clear (&m);
  return self;
}

PlotGraphScene *
plot_graph_scene_ref (PlotGraphScene *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
plot_graph_scene_unref (PlotGraphScene *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->refs))
    return;
  plot_graph_index_free (self->box_index);
  plot_graph_index_free (self->piece_index);
  g_free (self->boxes);
  g_free (self->box_endpoint);
  g_free (self->box_of);
  g_free (self->pieces);
  g_free (self->piece_rects);
  g_free (self->pieces_first);
  g_free (self->out_first);
  g_free (self->out_list);
  g_free (self->in_first);
  g_free (self->in_list);
  g_free (self);
}
