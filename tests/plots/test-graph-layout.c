/* The layered layout of PlotGraph and the questions to it: what a reader relies on (nothing
 * overlaps, lines lead down and pass no box), the same result every time, cancelling, ten thousand
 * nodes. */

#include <math.h>
#include <string.h>
#include "plot-graph-scene-private.h"
#include "plot-test-graph.h"

static PlotGraphScene *
lay_out (const PlotTestGraph *graph, gboolean expanded)
{
  PlotGraphData data = plot_test_graph_data (graph);
  PlotGraphModel *model = plot_graph_model_new (&data);
  PlotGraphScene *scene;

  memset (model->expanded, expanded, MAX (1, graph->groups->len));
  scene = plot_graph_scene_new (model->shape, model->expanded, 8, NULL, NULL, NULL);
  plot_graph_model_free (model);
  return scene;
}

static gboolean
overlap (const PlotGraphRect *a, const PlotGraphRect *b)
{
  return a->x0 < b->x1 && b->x0 < a->x1 && a->y0 < b->y1 && b->y0 < a->y1;
}

/* Boxes never overlap but for a node in the frame of its own group; all lie within the picture. */
static void
check_boxes (const PlotGraphScene *scene, const PlotTestGraph *graph)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < scene->n_boxes; i++)
    {
      const PlotGraphRect *rect = &scene->boxes[i];

      g_assert_cmpfloat (rect->x0, >=, -0.01f);
      g_assert_cmpfloat (rect->y0, >=, -0.01f);
      g_assert_cmpfloat (rect->x1, <=, scene->width + 0.1);
      g_assert_cmpfloat (rect->y1, <=, scene->height + 0.1);
      g_array_set_size (found, 0);
      plot_graph_index_query (scene->box_index, rect, found);
      for (guint k = 0; k < found->len; k++)
        {
          guint other = g_array_index (found, guint, k);
          guint inner = scene->box_endpoint[MAX (i, other)];
          guint outer = scene->box_endpoint[MIN (i, other)];

          if (other == i || !overlap (rect, &scene->boxes[other]))
            continue;
          g_assert_cmpuint (MIN (i, other), <, scene->n_frames);
          g_assert_cmpuint (inner, <, graph->nodes->len);
          g_assert_cmpuint (g_array_index (graph->nodes, PlotGraphNode, inner).group, ==,
                            outer - graph->nodes->len);
        }
    }
}

/* The vertical parts and the curves of a line touch no box (but frames that they enter). */
static void
check_pieces (const PlotGraphScene *scene)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < scene->n_pieces; i++)
    {
      const PlotGraphPiece *piece = &scene->pieces[i];
      const PlotGraphRect parts[] = {
        { piece->x0, piece->y0 + 1, piece->x0, piece->c0 - 1 },
        { MIN (piece->x0, piece->x1), piece->c0 + 1, MAX (piece->x0, piece->x1), piece->c1 - 1 },
        { piece->x1, piece->c1 + 1, piece->x1, piece->y1 - 1 },
      };

      g_assert_cmpfloat (piece->y0, <=, piece->c0 + 0.01f);
      g_assert_cmpfloat (piece->c0, <, piece->c1);
      g_assert_cmpfloat (piece->c1, <=, piece->y1 + 0.01f);
      if (piece->flags & PLOT_PIECE_LOOSE)
        continue;
      for (guint p = 0; p < 3; p++)
        {
          if (parts[p].y1 <= parts[p].y0)
            continue;
          g_array_set_size (found, 0);
          plot_graph_index_query (scene->box_index, &parts[p], found);
          for (guint k = 0; k < found->len; k++)
            g_assert_cmpuint (g_array_index (found, guint, k), <, scene->n_frames);
        }
    }
}

/* Every edge as shown goes from the lower side of one box, without a break, to the upper side of
 * the other. */
static void
check_lines (const PlotGraphScene *scene, const PlotTestGraph *graph)
{
  PlotGraphData data = plot_test_graph_data (graph);
  PlotGraphModel *model = plot_graph_model_new (&data);
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint e = 0; e < scene->n_endpoints; e++)
    for (guint k = scene->out_first[e]; k < scene->out_first[e + 1]; k++)
      {
        guint to = scene->out_list[k];
        const PlotGraphRect *a = &scene->boxes[scene->box_of[e]];
        const PlotGraphRect *b = &scene->boxes[scene->box_of[to]];
        gboolean ends = FALSE, begins = FALSE;

        g_assert_cmpfloat (a->y1, <, b->y0);
        g_array_set_size (pieces, 0);
        plot_graph_scene_lines_of (scene, model->shape, to, pieces);
        for (guint i = 0; i < pieces->len; i++)
          {
            const PlotGraphPiece *piece = &scene->pieces[g_array_index (pieces, guint, i)];

            if (piece->from != e)
              continue;
            ends |= piece->to == to && fabsf (piece->y1 - b->y0) < 0.01f && piece->x1 >= b->x0
                    && piece->x1 <= b->x1;
            begins |= fabsf (piece->y0 - a->y1) < 0.01f && piece->x0 >= a->x0 && piece->x0 <= a->x1;
          }
        g_assert_true (ends);
        g_assert_true (begins);
      }
  plot_graph_model_free (model);
}

static void
check_all (const PlotGraphScene *scene, const PlotTestGraph *graph)
{
  g_assert_nonnull (scene);
  check_boxes (scene, graph);
  check_pieces (scene);
  check_lines (scene, graph);
}

static void
test_chain (void)
{
  PlotTestGraph graph = plot_test_graph_residual (6, FALSE);
  g_autoptr (PlotGraphScene) scene = lay_out (&graph, FALSE);
  double middle = (scene->boxes[0].x0 + scene->boxes[0].x1) / 2;

  check_all (scene, &graph);
  g_assert_cmpuint (scene->n_boxes, ==, 26);
  g_assert_cmpuint (scene->n_crossings, ==, 0);
  /* The main way is a straight column; skips lie beside it. */
  for (guint i = 0; i < scene->n_boxes; i++)
    g_assert_cmpfloat_with_epsilon ((scene->boxes[i].x0 + scene->boxes[i].x1) / 2, middle, 0.51);
  plot_test_graph_clear (&graph);
}

static void
test_groups (void)
{
  PlotTestGraph graph = plot_test_graph_residual (12, TRUE);
  g_autoptr (PlotGraphScene) closed = lay_out (&graph, FALSE);
  g_autoptr (PlotGraphScene) open = lay_out (&graph, TRUE);

  check_all (closed, &graph);
  check_all (open, &graph);
  g_assert_cmpuint (closed->n_boxes, ==, 14);
  g_assert_cmpuint (closed->n_frames, ==, 0);
  g_assert_cmpuint (open->n_boxes, ==, 14 + 48);
  g_assert_cmpuint (open->n_frames, ==, 12);
  plot_test_graph_clear (&graph);
}

/* Each group open or closed on its own, over a scattered graph cut into groups of any shape. */
static void
test_random_groups (void)
{
  for (guint32 seed = 1; seed <= 12; seed++)
    {
      PlotTestGraph graph = plot_test_graph_scattered (120, 20, seed);
      PlotGraphData data;
      PlotGraphModel *model;
      g_autoptr (PlotGraphScene) scene = NULL;
      guint32 state = seed;

      for (guint g = 0; g < 10; g++)
        plot_test_graph_group (&graph, g_strdup_printf ("group %u", g));
      /* Runs of nodes: a group cannot lie above and below another. */
      for (guint i = 0; i < 120; i++)
        g_array_index (graph.nodes, PlotGraphNode, i).group
            = i % 12 == 0 ? PLOT_GRAPH_NO_GROUP : i / 12;
      data = plot_test_graph_data (&graph);
      model = plot_graph_model_new (&data);
      for (guint g = 0; g < 10; g++)
        model->expanded[g] = plot_test_graph_random (&state) < 0.5;
      scene = plot_graph_scene_new (model->shape, model->expanded, 8, NULL, NULL, NULL);
      check_all (scene, &graph);
      plot_graph_model_free (model);
      plot_test_graph_clear (&graph);
    }
}

static void
test_scattered (void)
{
  for (guint32 seed = 1; seed <= 20; seed++)
    {
      PlotTestGraph graph = plot_test_graph_scattered (40 + 13 * seed, 4 + seed, seed);
      g_autoptr (PlotGraphScene) scene = lay_out (&graph, FALSE);

      check_all (scene, &graph);
      plot_test_graph_clear (&graph);
    }
}

/* A cycle is laid out, with the line that closes it marked; a loop at one node is left out. */
/* Frames that are entered in the middle and left on the right, one after the other: the column
 * stands upright. */
static void
test_lean (void)
{
  PlotTestGraph graph = plot_test_graph_new ();
  guint last = PLOT_GRAPH_NO_GROUP;
  g_autoptr (PlotGraphScene) scene = NULL;

  for (guint b = 0; b < 60; b++)
    {
      guint group = plot_test_graph_group (&graph, g_strdup_printf ("g%u", b)), ends[2] = { 0 };
      guint top = plot_test_graph_node (&graph, g_strdup_printf ("%u.top", b), "op", group);

      for (guint k = 0; k < 2; k++)
        {
          ends[k] = plot_test_graph_node (&graph, g_strdup_printf ("%u.%u", b, k), "op", group);
          plot_test_graph_edge (&graph, top, ends[k]);
        }
      if (last != PLOT_GRAPH_NO_GROUP)
        plot_test_graph_edge (&graph, last, top);
      last = ends[1];
    }
  scene = lay_out (&graph, TRUE);
  check_all (scene, &graph);
  g_assert_cmpuint (scene->n_frames, ==, 60);
  g_assert_cmpfloat (scene->width, <, 900);
  plot_test_graph_clear (&graph);
}

static void
test_cycle (void)
{
  PlotTestGraph graph = plot_test_graph_new ();
  g_autoptr (PlotGraphScene) scene = NULL;
  guint n_reversed = 0;

  for (guint i = 0; i < 5; i++)
    plot_test_graph_node (&graph, g_strdup_printf ("%u", i), NULL, PLOT_GRAPH_NO_GROUP);
  for (guint i = 0; i < 5; i++)
    plot_test_graph_edge (&graph, i, (i + 1) % 5);
  plot_test_graph_edge (&graph, 2, 2);
  scene = lay_out (&graph, FALSE);
  check_boxes (scene, &graph);
  check_pieces (scene);
  for (guint i = 0; i < scene->n_pieces; i++)
    n_reversed += (scene->pieces[i].flags & PLOT_PIECE_REVERSED) != 0;
  g_assert_cmpuint (n_reversed, ==, 4); /* one line through four gaps */
  g_assert_cmpuint (scene->n_lines, ==, 5);
  plot_test_graph_clear (&graph);
}

/* Two groups that read from each other. */
static void
test_group_cycle (void)
{
  PlotTestGraph graph = plot_test_graph_new ();
  guint a = plot_test_graph_group (&graph, g_strdup ("A")),
        b = plot_test_graph_group (&graph, g_strdup ("B"));

  for (guint i = 0; i < 4; i++)
    plot_test_graph_node (&graph, g_strdup_printf ("%u", i), NULL, i % 2 ? b : a);
  for (guint i = 0; i < 3; i++)
    plot_test_graph_edge (&graph, i, i + 1);
  for (guint open = 0; open < 2; open++)
    {
      g_autoptr (PlotGraphScene) scene = lay_out (&graph, open);

      check_boxes (scene, &graph);
      check_pieces (scene);
      g_assert_cmpuint (scene->n_boxes, ==, open ? 6 : 2);
    }
  plot_test_graph_clear (&graph);
}

static void
test_empty (void)
{
  PlotTestGraph graph = plot_test_graph_new ();
  g_autoptr (PlotGraphScene) none = lay_out (&graph, FALSE);
  g_autoptr (PlotGraphScene) one = NULL;

  g_assert_cmpuint (none->n_boxes, ==, 0);
  g_assert_cmpuint (plot_graph_scene_hit (none, 0, 0), ==, PLOT_GRAPH_NONE);
  plot_test_graph_group (&graph, g_strdup ("nobody's"));
  plot_test_graph_node (&graph, g_strdup ("alone"), NULL, PLOT_GRAPH_NO_GROUP);
  one = lay_out (&graph, TRUE);
  g_assert_cmpuint (one->n_boxes, ==, 1); /* a group without nodes is not shown */
  g_assert_cmpfloat (one->height, ==, PLOT_GRAPH_BOX_H);
  plot_test_graph_clear (&graph);
}

static void
test_same_again (void)
{
  PlotTestGraph graph = plot_test_graph_scattered (700, 40, 3);
  g_autoptr (PlotGraphScene) a = lay_out (&graph, FALSE);
  g_autoptr (PlotGraphScene) b = lay_out (&graph, FALSE);

  g_assert_cmpmem (a->boxes, a->n_boxes * sizeof *a->boxes, b->boxes,
                   b->n_boxes * sizeof *b->boxes);
  g_assert_cmpmem (a->pieces, a->n_pieces * sizeof *a->pieces, b->pieces,
                   b->n_pieces * sizeof *b->pieces);
  plot_test_graph_clear (&graph);
}

static void
count_calls (double frac, gpointer data)
{
  struct
  {
    guint n, stop_at;
    double last;
    GCancellable *cancellable;
  } *calls = data;

  g_assert_cmpfloat (frac, >=, calls->last);
  g_assert_cmpfloat (frac, <=, 1);
  calls->last = frac;
  if (++calls->n == calls->stop_at)
    g_cancellable_cancel (calls->cancellable);
}

static void
test_cancel (void)
{
  PlotTestGraph graph = plot_test_graph_scattered (500, 50, 9);
  PlotGraphData data = plot_test_graph_data (&graph);
  PlotGraphModel *model = plot_graph_model_new (&data);

  for (guint stop_at = 1; stop_at <= 13; stop_at += 6)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      struct
      {
        guint n, stop_at;
        double last;
        GCancellable *cancellable;
      } calls = { 0, stop_at, 0, cancellable };

      g_assert_null (plot_graph_scene_new (model->shape, model->expanded, 8, cancellable,
                                           count_calls, &calls));
      g_assert_cmpuint (calls.n, ==, stop_at); /* it stopped at once */
    }
  plot_graph_model_free (model);
  plot_test_graph_clear (&graph);
}

/* Crossings go down, and the fast count is the plain one. */
static void
test_crossings (void)
{
  PlotTestGraph graph = plot_test_graph_scattered (300, 25, 5);
  PlotGraphData data = plot_test_graph_data (&graph);
  PlotGraphModel *model = plot_graph_model_new (&data);
  g_autoptr (PlotGraphScene) rough
      = plot_graph_scene_new (model->shape, model->expanded, 0, NULL, NULL, NULL);
  g_autoptr (PlotGraphScene) fine
      = plot_graph_scene_new (model->shape, model->expanded, 8, NULL, NULL, NULL);

  g_assert_true (rough->rough);
  g_assert_false (fine->rough);
  g_assert_cmpuint (fine->n_crossings, <, rough->n_crossings / 2);
  plot_graph_model_free (model);
  plot_test_graph_clear (&graph);
}

static void
test_index (void)
{
  guint32 state = 11;
  PlotGraphRect rects[500];
  PlotGraphIndex *index;

  for (guint i = 0; i < 500; i++)
    {
      float x = (float)(5000 * plot_test_graph_random (&state));
      float y = (float)(90000 * plot_test_graph_random (&state));
      gboolean tall = i % 50 == 0;

      rects[i] = (PlotGraphRect){ x, y, x + (float)(200 * plot_test_graph_random (&state)),
                                  y + (tall ? 50000 : 40) };
    }
  index = plot_graph_index_new (rects, 500);
  for (guint q = 0; q < 300; q++)
    {
      float x = (float)(6000 * plot_test_graph_random (&state) - 500);
      float y = (float)(100000 * plot_test_graph_random (&state) - 5000);
      PlotGraphRect area = { x, y, x + (q % 3 == 0 ? 0 : 900), y + (q % 3 == 0 ? 0 : 4000) };
      g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (guint));
      guint n = 0;

      plot_graph_index_query (index, &area, found);
      for (guint i = 0; i < 500; i++)
        if (rects[i].x0 <= area.x1 && rects[i].x1 >= area.x0 && rects[i].y0 <= area.y1
            && rects[i].y1 >= area.y0)
          {
            g_assert_cmpuint (n, <, found->len);
            g_assert_cmpuint (g_array_index (found, guint, n), ==, i);
            n++;
          }
      g_assert_cmpuint (n, ==, found->len);
    }
  plot_graph_index_free (index);
}

static void
test_steps (void)
{
  PlotTestGraph graph = plot_test_graph_new ();
  g_autoptr (PlotGraphScene) scene = NULL;
  const guint edges[][2] = { { 0, 1 }, { 0, 2 }, { 1, 3 }, { 2, 3 }, { 0, 3 } };

  for (guint i = 0; i < 4; i++)
    plot_test_graph_node (&graph, g_strdup_printf ("%u", i), NULL, PLOT_GRAPH_NO_GROUP);
  for (guint i = 0; i < G_N_ELEMENTS (edges); i++)
    plot_test_graph_edge (&graph, edges[i][0], edges[i][1]);
  scene = lay_out (&graph, FALSE);
  {
    guint left = scene->boxes[scene->box_of[1]].x0 < scene->boxes[scene->box_of[2]].x0 ? 1 : 2;

    g_assert_cmpuint (plot_graph_scene_step (scene, left, PLOT_GRAPH_RIGHT), ==, 3 - left);
    g_assert_cmpuint (plot_graph_scene_step (scene, 3 - left, PLOT_GRAPH_LEFT), ==, left);
    g_assert_cmpuint (plot_graph_scene_step (scene, left, PLOT_GRAPH_LEFT), ==, PLOT_GRAPH_NONE);
  }
  g_assert_cmpuint (plot_graph_scene_step (scene, 0, PLOT_GRAPH_DOWN), !=,
                    3); /* the nearest rank */
  g_assert_cmpuint (plot_graph_scene_step (scene, 1, PLOT_GRAPH_DOWN), ==, 3);
  g_assert_cmpuint (plot_graph_scene_step (scene, 2, PLOT_GRAPH_UP), ==, 0);
  g_assert_cmpuint (plot_graph_scene_step (scene, 0, PLOT_GRAPH_UP), ==, PLOT_GRAPH_NONE);
  g_assert_cmpuint (plot_graph_scene_step (scene, 99, PLOT_GRAPH_UP), ==, PLOT_GRAPH_NONE);
  plot_test_graph_clear (&graph);
}

/* A node read by all that follow is one trunk, not a bundle. */
static void
test_trunk (void)
{
  PlotTestGraph graph = plot_test_graph_new ();
  g_autoptr (PlotGraphScene) scene = NULL;

  for (guint i = 0; i < 60; i++)
    {
      plot_test_graph_node (&graph, g_strdup_printf ("%u", i), NULL, PLOT_GRAPH_NO_GROUP);
      if (i > 0)
        plot_test_graph_edge (&graph, i - 1, i);
      if (i > 1)
        plot_test_graph_edge (&graph, 0, i);
    }
  scene = lay_out (&graph, FALSE);
  check_all (scene, &graph);
  g_assert_cmpuint (scene->n_dummies, ==, 58);
  g_assert_cmpfloat (scene->width, <, 300);
  plot_test_graph_clear (&graph);
}

/* Two thousand lines over two thousand ranks each: beyond the limit lines go straight. */
static void
test_limit (void)
{
  PlotTestGraph graph = plot_test_graph_new ();
  g_autoptr (PlotGraphScene) scene = NULL;

  for (guint i = 0; i < 4000; i++)
    {
      plot_test_graph_node (&graph, g_strdup_printf ("%u", i), NULL, PLOT_GRAPH_NO_GROUP);
      if (i > 0)
        plot_test_graph_edge (&graph, i - 1, i);
      if (i >= 2000)
        plot_test_graph_edge (&graph, i - 2000, i);
    }
  scene = lay_out (&graph, FALSE);
  check_boxes (scene, &graph);
  g_assert_cmpuint (scene->n_loose, ==, 2000);
  g_assert_cmpuint (scene->n_dummies, ==, 0);
  plot_test_graph_clear (&graph);
}

static void
test_ten_thousand (void)
{
  PlotTestGraph graph = plot_test_graph_scattered (10000, 60, 1);
  gint64 start = g_get_monotonic_time ();
  g_autoptr (PlotGraphScene) scene = lay_out (&graph, FALSE);
  double seconds = (g_get_monotonic_time () - start) * 1e-6;

  g_test_message ("10000 nodes, %u lines, %u dummy points, %u loose: %.2f s, %" G_GUINT64_FORMAT
                  " crossings",
                  scene->n_lines, scene->n_dummies, scene->n_loose, seconds, scene->n_crossings);
  g_assert_cmpfloat (seconds, <, 20); /* a wide limit: the benchmark measures */
  check_all (scene, &graph);
  plot_test_graph_clear (&graph);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plots/graph-layout/chain", test_chain);
  g_test_add_func ("/plots/graph-layout/groups", test_groups);
  g_test_add_func ("/plots/graph-layout/random-groups", test_random_groups);
  g_test_add_func ("/plots/graph-layout/scattered", test_scattered);
  g_test_add_func ("/plots/graph-layout/cycle", test_cycle);
  g_test_add_func ("/plots/graph-layout/group-cycle", test_group_cycle);
  g_test_add_func ("/plots/graph-layout/empty", test_empty);
  g_test_add_func ("/plots/graph-layout/same-again", test_same_again);
  g_test_add_func ("/plots/graph-layout/cancel", test_cancel);
  g_test_add_func ("/plots/graph-layout/crossings", test_crossings);
  g_test_add_func ("/plots/graph-layout/lean", test_lean);
  g_test_add_func ("/plots/graph-layout/index", test_index);
  g_test_add_func ("/plots/graph-layout/steps", test_steps);
  g_test_add_func ("/plots/graph-layout/trunk", test_trunk);
  g_test_add_func ("/plots/graph-layout/limit", test_limit);
  g_test_add_func ("/plots/graph-layout/ten-thousand", test_ten_thousand);
  return g_test_run ();
}
