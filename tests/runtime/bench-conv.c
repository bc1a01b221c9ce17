/* Single layers of well-known networks through the executor, on 1 and 2 threads, as shares of the
 * processor's multiply-add roof measured in the same run. The fastest repeat is what a busy machine
 * disturbs least; the median says how much it was disturbed. One line of JSON per layer with
 * --json, for comparing with other programs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kn-roof.h"
#include "ops/rt-ops-conv.h"
#include "rt-clock.h"
#include "rt-exec.h"
#include "rt-weight.h"

#define N_REPEATS 61
#define REPEAT_NS 1000000

typedef struct
{
  const char *name;
  bool depthwise;
  int64_t size, n_in, n_out, kernel, stride;
} Layer;

static const Layer layers[] = {
  { "3x3 64-64 at 56", false, 56, 64, 64, 3, 1 },
  { "3x3 128-128 at 28", false, 28, 128, 128, 3, 1 },
  { "3x3 256-256 at 14", false, 14, 256, 256, 3, 1 },
  { "3x3 512-512 at 7", false, 7, 512, 512, 3, 1 },
  { "1x1 256-256 at 14", false, 14, 256, 256, 1, 1 },
  { "1x1 64-256 at 56", false, 56, 64, 256, 1, 1 },
  { "1x1 32-16 at 112", false, 112, 32, 16, 1, 1 },
  { "1x1 16-96 at 112", false, 112, 16, 96, 1, 1 },
  { "1x1 144-24 at 56", false, 56, 144, 24, 1, 1 },
  { "1x1 960-160 at 7", false, 7, 960, 160, 1, 1 },
  { "1x1 320-1280 at 7", false, 7, 320, 1280, 1, 1 },
  { "3x3 3-32 at 224 stride 2", false, 224, 3, 32, 3, 2 },
  { "7x7 3-64 at 224 stride 2", false, 224, 3, 64, 7, 2 },
  { "dw 3x3 32 at 112", true, 112, 32, 32, 3, 1 },
  { "dw 3x3 96 at 112 stride 2", true, 112, 96, 96, 3, 2 },
  { "dw 3x3 144 at 56", true, 56, 144, 144, 3, 1 },
  { "dw 3x3 384 at 14", true, 14, 384, 384, 3, 1 },
  { "dw 3x3 960 at 7", true, 7, 960, 960, 3, 1 },
  { "dw 5x5 120 at 28", true, 28, 120, 120, 5, 1 },
};

static int
by_size (const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double
roof_gops (void)
{
  double best = 0;

  for (int i = 0; i < 5; i++)
    {
      uint64_t n_flops = 0;
      const uint64_t start = rt_now_ns ();
      volatile float keep = kn_roof_fma_f32 (500000, &n_flops);

      (void)keep;
      best = fmax (best, (double)n_flops / (double)(rt_now_ns () - start));
    }
  return best;
}

static float *
random_floats (size_t n)
{
  float *x = malloc (n * sizeof *x);
  uint32_t state = 1;

  for (size_t i = 0; x != NULL && i < n; i++)
    {
      state = state * 1664525u + 1013904223u;
      x[i] = (float)(int32_t)state / 0x1p31f;
    }
  return x;
}

typedef struct
{
  double fastest, median; /* ns; negative when it failed */
} Time;

static Time
time_layer (const Layer *l, uint32_t n_threads, RtError *error)
{
  const uint32_t before = (uint32_t)(l->kernel - 1) / 2, after = (uint32_t)l->kernel / 2;
  const RtConvAttrs attrs = { .stride_h = (uint32_t)l->stride,
                              .stride_w = (uint32_t)l->stride,
                              .dilation_h = 1,
                              .dilation_w = 1,
                              .pad_top = before,
                              .pad_left = before,
                              .pad_bottom = after,
                              .pad_right = after,
                              .groups = 1,
                              .min = 0,
                              .max = INFINITY };
  const RtShape x_shape = { 4, { 1, l->size, l->size, l->n_in } };
  const RtShape w_shape = l->depthwise
                              ? (RtShape){ 3, { l->kernel, l->kernel, l->n_out } }
                              : (RtShape){ 4, { l->n_out, l->kernel, l->kernel, l->n_in } };
  const RtShape b_shape = { 1, { l->n_out } };
  float *x = random_floats (rt_shape_n (&x_shape)), *w = random_floats (rt_shape_n (&w_shape));
  float *b = random_floats (rt_shape_n (&b_shape));
  RtGraph *graph = rt_graph_new (error);
  RtPool *pool = rt_pool_new (n_threads, error);
  RtWeight *weights[8] = { NULL };
  RtExec *exec = NULL;
  double ns[N_REPEATS] = { -1 };

  const RtValueId inputs[] = {
    rt_graph_add_input (graph, "x", RT_TYPE_F32, &x_shape, error),
    rt_graph_add_weight (graph, "w", RT_TYPE_F32, &w_shape, w, rt_shape_n (&w_shape) * 4, error),
    rt_graph_add_weight (graph, "b", RT_TYPE_F32, &b_shape, b, rt_shape_n (&b_shape) * 4, error),
  };
  const RtNodeId node
      = rt_graph_add_node (graph, "y", 0, l->depthwise ? &rt_op_depthwise : &rt_op_conv, inputs, 3,
                           &attrs, error);
  if (node == RT_NONE)
    goto out;
  rt_graph_set_output (graph, rt_graph_node (graph, node)->outputs[0]);
  if (!l->depthwise)
    weights[inputs[1]]
        = rt_weight_pack (KN_F32, KN_F32, w, rt_shape_n (&w_shape) * 4, (uint64_t)l->n_out,
                          rt_shape_n (&w_shape) / (uint64_t)l->n_out, pool, NULL, error);
  exec = rt_exec_new (&(RtExecConfig){ .graph = graph, .weights = weights, .pool = pool }, error);
  if (exec == NULL)
    goto out;
  rt_exec_set_input (exec, inputs[0], x);

  long n = 1;
  for (int i = -1; i < N_REPEATS;)
    {
      const uint64_t start = rt_now_ns ();
      for (long k = 0; k < n; k++)
        if (!rt_exec_infer (exec, NULL, RT_PHASE_INFERENCE, error))
          goto out;
      const uint64_t took = rt_now_ns () - start;
      if (i < 0 && took < REPEAT_NS)
        n *= 2;
      else if (++i > 0)
        ns[i - 1] = (double)took / (double)n;
    }
  qsort (ns, N_REPEATS, sizeof *ns, by_size);

out:
  rt_exec_free (exec);
  rt_weight_unref (weights[1]);
  rt_pool_free (pool);
  rt_graph_free (graph);
  free (x);
  free (w);
  free (b);
  return exec != NULL ? (Time){ ns[0], ns[N_REPEATS / 2] } : (Time){ -1, -1 };
}

int
main (int argc, char **argv)
{
  const bool json = argc > 1 && strcmp (argv[1], "--json") == 0;
  const double roof = roof_gops ();

  if (!json)
    printf ("%-28s %12s %9s %6s %12s %9s\n", "layer", "us, 1 thread", "Gop/s", "roof", "us, 2",
            "faster");
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    {
      const Layer *l = &layers[i];
      const double out = (double)((l->size + l->stride - 1) / l->stride);
      const double ops = 2 * out * out * (double)(l->n_out * l->kernel * l->kernel)
                         * (l->depthwise ? 1 : (double)l->n_in);
      RtError error = { 0 };
      const Time one = time_layer (l, 1, &error), two = time_layer (l, 2, &error);

      if (one.fastest < 0 || two.fastest < 0)
        {
          fprintf (stderr, "bench-conv: %s: %s\n", l->name, error.message);
          return 1;
        }
      if (json)
        printf ("{\"layer\": \"%s\", \"fastest_ns_1\": %.0f, \"median_ns_1\": %.0f, "
                "\"fastest_ns_2\": %.0f, \"median_ns_2\": %.0f, \"ops\": %.0f, "
                "\"roof_gops\": %.1f}\n",
                l->name, one.fastest, one.median, two.fastest, two.median, ops, roof);
      else
        printf ("%-28s %9.1f %9.1f %9.1f %6.0f%% %9.1f %9.1f %6.2fx\n", l->name, one.fastest / 1e3,
                one.median / 1e3, ops / one.fastest, 100 * ops / one.fastest / roof,
                two.fastest / 1e3, two.median / 1e3, one.fastest / two.fastest);
    }
  return 0;
}
