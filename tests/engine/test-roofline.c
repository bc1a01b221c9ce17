/* Rooflines by hand: work, level, least time, share, what bounds; nodes, layers and all. */
#include <math.h>

#include "eng-roofline.h"
#include "eng-test-profile.h"
#include "eng-test.h"

#define assert_near(a, b)                                                                          \
  g_assert_cmpfloat_with_epsilon ((a), (b), fabs ((double)(b)) * 1e-9 + 1e-15)

static void
test_roofs (void)
{
  EngRoof roof = eng_test_round_roof ();
  double bandwidth;

  g_assert_cmpint (eng_roof_find_level (&roof, 1000, &bandwidth), ==, 0);
  assert_near (bandwidth, 100e9);
  g_assert_cmpint (eng_roof_find_level (&roof, 1 << 20, NULL), ==, 0);
  g_assert_cmpint (eng_roof_find_level (&roof, (1 << 20) + 1, &bandwidth), ==, 1);
  assert_near (bandwidth, 20e9);
  /* Ridge: 200 GFLOP/s over 20 GB/s are 10 op/B, 800 over 100 are 8. */
  assert_near (eng_roof_get_ridge (&roof, 1, ENG_ARITHMETIC_F32), 10);
  assert_near (eng_roof_get_ridge (&roof, 0, ENG_ARITHMETIC_INT8), 8);
  g_assert_true (isnan (eng_roof_get_ops (&roof, ENG_ARITHMETIC_UNKNOWN)));
  roof.n_levels = 0;
  g_assert_cmpint (eng_roof_find_level (&roof, 1000, &bandwidth), ==, -1);
  assert_near (bandwidth, 20e9);
  g_assert_cmpstr (eng_roof_level_name (&roof, -1), ==, "DRAM");
}

static const EngTestNode mixed[] = {
  /* 2 MB of weights: 0.1 ms from main memory; 8 Mop int8: 0.01 ms. Took 0.2 ms: half of the memory
   * roof. Its 2000 bytes of activations come from L2. */
  { 0, ENG_ARITHMETIC_INT8, { 8000000, 2000000, 1000, 1000 }, 200000 },
  /* 100 Mop of floats: 0.5 ms; 100 kB of activations from L2: 0.001 ms. Took 0.8 ms. */
  { 0, ENG_ARITHMETIC_F32, { 100000000, 0, 50000, 50000 }, 800000 },
  /* 1 kB: 0.00001 ms. Took 0.001 ms, the shortest of all. */
  { 1, ENG_ARITHMETIC_F32, { 500, 0, 500, 500 }, 1000 },
  /* No arithmetic: a copy of 500 kB, 0.005 ms. Took 0.01 ms. */
  { 1, ENG_ARITHMETIC_F32, { 0, 0, 250000, 250000 }, 10000 },
  /* 1 Mop: 0.005 ms. Took 0.1 ms: a twentieth. */
  { 1, ENG_ARITHMETIC_F32, { 1000000, 0, 1000, 1000 }, 100000 },
  /* Not executed in this phase. */
  { 2, ENG_ARITHMETIC_F32, { 1000000, 1000000, 0, 0 }, 0 },
};

static void
test_nodes (void)
{
  EngRoof roof = eng_test_round_roof ();
  g_autoptr (EngProfile) profile
      = eng_test_profile (mixed, G_N_ELEMENTS (mixed), 3, RT_PHASE_DECODE);
  g_autoptr (EngRoofline) roofline = eng_roofline_new (profile, RT_PHASE_DECODE, &roof);
  const EngRooflinePoint *p = eng_roofline_get_node (roofline, 0);

  g_assert_true (eng_roofline_is_measured (roofline));
  assert_near (eng_roofline_get_step_bytes (roofline), 2000000);
  assert_near (eng_roofline_get_dispatch_ms (roofline), 0.001);
  assert_near (p->bytes, 2002000);
  assert_near (p->intensity, 8e6 / 2002000);
  assert_near (p->speed.value, 8e6 / 0.2e-3);
  assert_near (p->speed.low, 8e6 / 0.25e-3);
  assert_near (p->speed.high, 8e6 / 0.16e-3);
  g_assert_cmpint (p->level, ==, 1);
  assert_near (p->memory_ms, 0.1 + 2000 / 100e9 * 1e3);
  assert_near (p->arithmetic_ms, 0.01);
  assert_near (p->share, (0.1 + 2e-5) / 0.2);
  assert_near (p->lost_ms, 0.2 - 0.1 - 2e-5);
  g_assert_cmpint (p->bound, ==, ENG_BOUND_MEMORY);

  p = eng_roofline_get_node (roofline, 1);
  g_assert_cmpint (p->level, ==, 0);
  assert_near (p->roof_ms, 0.5);
  assert_near (p->share, 0.625);
  g_assert_cmpint (p->bound, ==, ENG_BOUND_ARITHMETIC);

  g_assert_cmpint (eng_roofline_get_node (roofline, 2)->bound, ==, ENG_BOUND_OVERHEAD);

  p = eng_roofline_get_node (roofline, 3);
  assert_near (p->intensity, 0);
  g_assert_false (p->speed.available);
  assert_near (p->share, 0.5);
  g_assert_cmpint (p->bound, ==, ENG_BOUND_MEMORY);

  g_assert_cmpint (eng_roofline_get_node (roofline, 4)->bound, ==, ENG_BOUND_OVERHEAD);

  p = eng_roofline_get_node (roofline, 5);
  g_assert_false (p->time.available);
  g_assert_true (isnan (p->share) && isnan (p->lost_ms));
  g_assert_cmpint (p->bound, ==, ENG_BOUND_UNKNOWN);
}

static void
test_layers (void)
{
  EngRoof roof = eng_test_round_roof ();
  g_autoptr (EngProfile) profile
      = eng_test_profile (mixed, G_N_ELEMENTS (mixed), 3, RT_PHASE_DECODE);
  g_autoptr (EngRoofline) roofline = eng_roofline_new (profile, RT_PHASE_DECODE, &roof);
  const EngRooflinePoint *layer = eng_roofline_get_layer (roofline, 0);
  const EngRooflinePoint *total = eng_roofline_get_total (roofline);

  assert_near (layer->ops, 108e6);
  assert_near (layer->time.value, 1.0);
  assert_near (layer->roof_ms, 0.1 + 2e-5 + 0.5);
  assert_near (layer->share, 0.60002);
  assert_near (layer->lost_ms, 0.39998);
  g_assert_cmpint (layer->arithmetic, ==, ENG_ARITHMETIC_F32);
  g_assert_cmpint (layer->level, ==, 1);
  g_assert_cmpint (layer->bound, ==, ENG_BOUND_ARITHMETIC); /* 0.8 of 1.0 ms */

  g_assert_cmpint (eng_roofline_get_layer (roofline, 1)->bound, ==, ENG_BOUND_OVERHEAD);
  g_assert_false (eng_roofline_get_layer (roofline, 2)->time.available);
  g_assert_cmpint (eng_roofline_get_layer (roofline, 2)->bound, ==, ENG_BOUND_UNKNOWN);
  assert_near (total->time.value, 1.111);
  assert_near (total->ops, 109000500);
}

static void
test_nothing_known (void)
{
  static const EngTestNode old[] = { { 0, ENG_ARITHMETIC_UNKNOWN, { 1000, 1000, 0, 0 }, 1000 } };
  EngRoof roof = eng_test_round_roof ();
  g_autoptr (EngProfile) profile = eng_test_profile (old, 1, 1, RT_PHASE_INFERENCE);
  g_autoptr (EngRoofline) without = eng_roofline_new (profile, RT_PHASE_INFERENCE, NULL);
  g_autoptr (EngRoofline) unknown = eng_roofline_new (profile, RT_PHASE_INFERENCE, &roof);
  g_autoptr (EngRoofline) never = eng_roofline_new (profile, RT_PHASE_DECODE, &roof);
  const EngRooflinePoint *p = eng_roofline_get_node (without, 0);

  g_assert_null (eng_roofline_get_roof (without));
  assert_near (p->speed.value, 1e9); /* what was achieved is known without roofs */
  g_assert_true (isnan (p->roof_ms) && isnan (p->share));
  g_assert_cmpint (p->bound, ==, ENG_BOUND_UNKNOWN);
  /* The arithmetic roof is unknown: so is the bound, but not the memory's part of it. */
  p = eng_roofline_get_layer (unknown, 0);
  g_assert_false (isnan (p->memory_ms));
  g_assert_true (isnan (p->roof_ms));
  g_assert_cmpint (p->bound, ==, ENG_BOUND_UNKNOWN);
  g_assert_false (eng_roofline_is_measured (never));
}

/* What a node computes in is part of the run's document, and comes back. */
static void
test_arithmetic_is_kept (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (
      model,
      "{\"weight-format\": {\"format\": \"q8_0\", \"rules\": [{\"match\": \"output.weight\", "
      "\"format\": \"f16\"}]}}",
      NULL);
  g_autoptr (EngWorkload) workload = eng_workload_new ("It is");
  g_autoptr (GError) error = NULL;
  guint n_int8 = 0, n_f32 = 0;

  workload->n_predict = 8;
  workload->ignore_end = TRUE;
  g_autoptr (EngRun) run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (EngRun) again = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  EngProfile *a = eng_run_get_profile (run), *b = eng_run_get_profile (again);
  for (guint i = 0; i < eng_profile_get_n_nodes (a); i++)
    {
      EngArithmetic arithmetic = eng_profile_get_node_arithmetic (a, i);

      g_assert_cmpint (arithmetic, !=, ENG_ARITHMETIC_UNKNOWN);
      g_assert_cmpint (eng_profile_get_node_arithmetic (b, i), ==, arithmetic);
      if (g_str_equal (eng_profile_get_node_op (a, i), "Matrix product"))
        (*(arithmetic == ENG_ARITHMETIC_INT8 ? &n_int8 : &n_f32))++;
    }
  /* Projections behind attention and activation; the output's may be the embedding's matrix. */
  g_assert_cmpuint (n_int8, >=, 2 * eng_model_get_n_layers (model));
  g_assert_cmpuint (n_f32, <=, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/roofline/roofs", test_roofs);
  g_test_add_func ("/roofline/nodes", test_nodes);
  g_test_add_func ("/roofline/layers", test_layers);
  g_test_add_func ("/roofline/nothing-known", test_nothing_known);
  g_test_add_func ("/roofline/arithmetic-is-kept", test_arithmetic_is_kept);
  return g_test_run ();
}
