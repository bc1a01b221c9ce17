/* Questions to a laid out graph: what lies at a point, which lines belong to a box, where an arrow
 * key leads. Called by the view and the input of PlotGraph. */

#include "plot-graph-scene-private.h"

#include <math.h>

guint
plot_graph_scene_hit (const PlotGraphScene *self, double x, double y)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (guint));
  PlotGraphRect point = { (float)x, (float)y, (float)x, (float)y };

  plot_graph_index_query (self->box_index, &point, found);
  /* Frames have the lowest numbers: the last one is innermost. */
  return found->len > 0 ? self->box_endpoint[g_array_index (found, guint, found->len - 1)]
                        : PLOT_GRAPH_NONE;
}

/* Stretches of the way from @from to @to: those of its trunk that end above the last one. */
static void
add_way (const PlotGraphScene *self, const PlotGraphShape *shape, guint from, guint to,
         GArray *pieces)
{
  guint group = to < shape->n_nodes ? shape->group_of[to] : PLOT_GRAPH_NONE;
  const PlotGraphRect *box = &self->boxes[self->box_of[to]];

  for (guint i = self->pieces_first[from]; i < self->pieces_first[from + 1]; i++)
    {
      const PlotGraphPiece *piece = &self->pieces[i];
      gboolean on_the_way = piece->to == PLOT_GRAPH_NONE
                            && (piece->into == PLOT_GRAPH_NONE || piece->into == group)
                            && piece->y1 <= box->y0 + 0.5;

      if (piece->to == to || on_the_way)
        g_array_append_val (pieces, i);
    }
}

void
plot_graph_scene_lines_of (const PlotGraphScene *self, const PlotGraphShape *shape, guint endpoint,
                           GArray *pieces)
{
  if (endpoint >= self->n_endpoints || self->box_of[endpoint] == PLOT_GRAPH_NONE)
    return;
  for (guint i = self->pieces_first[endpoint]; i < self->pieces_first[endpoint + 1]; i++)
    g_array_append_val (pieces, i);
  for (guint i = self->in_first[endpoint]; i < self->in_first[endpoint + 1]; i++)
    add_way (self, shape, self->in_list[i], endpoint, pieces);
}

static double
middle_x (const PlotGraphRect *rect)
{
  return (rect->x0 + rect->x1) / 2.0;
}

/* Of the boxes that a line leads to, the one in the nearest rank, there the nearest. */
static guint
follow (const PlotGraphScene *self, guint endpoint, gboolean down)
{
  const guint *first = down ? self->out_first : self->in_first;
  const guint *list = down ? self->out_list : self->in_list;
  const PlotGraphRect *from = &self->boxes[self->box_of[endpoint]];
  double best_y = INFINITY, best_x = INFINITY;
  guint best = PLOT_GRAPH_NONE;

  for (guint i = first[endpoint]; i < first[endpoint + 1]; i++)
    {
      const PlotGraphRect *to = &self->boxes[self->box_of[list[i]]];
      double dy = fabs (to->y0 - from->y0), dx = fabs (middle_x (to) - middle_x (from));

      if (dy < best_y - 1 || (dy < best_y + 1 && dx < best_x))
        {
          best = list[i];
          best_y = dy;
          best_x = dx;
        }
    }
  return best;
}

/* Within the rank: of the boxes at this height on that side, the nearest. */
static guint
neighbour (const PlotGraphScene *self, guint endpoint, gboolean right)
{
  const PlotGraphRect *from = &self->boxes[self->box_of[endpoint]];
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (guint));
  PlotGraphRect area = { right ? from->x1 : -G_MAXFLOAT, from->y0 + 1,
                         right ? G_MAXFLOAT : from->x0, from->y1 - 1 };
  double best = INFINITY;
  guint at = PLOT_GRAPH_NONE;

  plot_graph_index_query (self->box_index, &area, found);
  for (guint i = 0; i < found->len; i++)
    {
      guint box = g_array_index (found, guint, i);
      double distance = right ? self->boxes[box].x0 - from->x1 : from->x0 - self->boxes[box].x1;

      if (distance >= 0 && distance < best)
        {
          best = distance;
          at = self->box_endpoint[box];
        }
    }
  return at;
}

guint
plot_graph_scene_step (const PlotGraphScene *self, guint endpoint, PlotGraphDirection direction)
{
  if (endpoint >= self->n_endpoints || self->box_of[endpoint] == PLOT_GRAPH_NONE)
    return PLOT_GRAPH_NONE;
  switch (direction)
    {
    case PLOT_GRAPH_DOWN:
    case PLOT_GRAPH_UP:
      return follow (self, endpoint, direction == PLOT_GRAPH_DOWN);
    case PLOT_GRAPH_LEFT:
    case PLOT_GRAPH_RIGHT:
      return neighbour (self, endpoint, direction == PLOT_GRAPH_RIGHT);
    default:
      return PLOT_GRAPH_NONE;
    }
}
