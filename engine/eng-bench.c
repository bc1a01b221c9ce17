/* Clean speeds: prefill and decode, repeated. Called by `lathe bench` and by the comparison with
 * peers; the same shape of test that llama-bench runs (a prompt from an empty cache; single tokens
 * from an empty cache), so that figures can stand side by side. */

#include "eng-bench.h"

#include <math.h>

#include "eng-error.h"
#include "eng-repeat.h"
#include "kn-matmul.h"
#include "rt-exec.h"

/* Any tokens do: speed does not depend on which. Spread over the vocabulary so that embedding rows
 * are not all in cache. */
static void
fill_tokens (gint32 *tokens, guint n, guint n_vocab)
{
  guint32 state = 12345;

  for (guint i = 0; i < n; i++)
    {
      state = state * 1664525u + 1013904223u; /* Knuth, The Art of Computer Programming, vol. 2,
                                               * section 3.3.4 */
      tokens[i] = (gint32)((state >> 8) % n_vocab);
    }
}

/* Tokens per second of one pass; 0 and @error on failure. */
static double
run_prefill (EngBuild *build, const gint32 *tokens, guint n, GError **error)
{
  RtExec *exec = eng_build_get_exec (build);
  guint chunk = eng_build_get_max_tokens (build);
  RtError rt_error = { 0 };
  guint64 start;

  rt_kv_set_n_used (rt_exec_kv (exec), 0);
  start = rt_now_ns ();
  for (guint done = 0; done < n; done += chunk)
    {
      guint n_now = MIN (chunk, n - done);

      if (!rt_exec_run (exec, tokens + done, n_now, 1, RT_PHASE_PREFILL, &rt_error))
        return eng_error_take_rt (&rt_error, error);
    }
  return n * 1e9 / (double)(rt_now_ns () - start);
}

static double
run_decode (EngBuild *build, const gint32 *tokens, guint n, GError **error)
{
  RtExec *exec = eng_build_get_exec (build);
  RtError rt_error = { 0 };
  guint64 start;

  rt_kv_set_n_used (rt_exec_kv (exec), 0);
  start = rt_now_ns ();
  for (guint i = 0; i < n; i++)
    if (!rt_exec_run (exec, tokens + i, 1, 1, RT_PHASE_DECODE, &rt_error))
      return eng_error_take_rt (&rt_error, error);
  return n * 1e9 / (double)(rt_now_ns () - start);
}

typedef double (*PassFn) (EngBuild *build, const gint32 *tokens, guint n, GError **error);

/* As often as @config says. The rule is told times, not speeds: warm-up is what is slow. */
static gboolean
repeat (EngBuild *build, PassFn pass, const gint32 *tokens, guint n, const EngBenchConfig *config,
        EngFigure *figure, GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) samples = g_array_new (FALSE, FALSE, sizeof (double));
  gboolean asked = config->n_repeats > 0;
  RtRepeat rule;
  guint64 start;

  if (n == 0)
    {
      *figure = eng_figure_unavailable ("tok/s", "not asked for");
      return TRUE;
    }
  /* One pass before the first that counts: pages, caches and clocks warm up. */
  if (pass (build, tokens, n, error) <= 0)
    return FALSE;
  rt_repeat_init (&rule, &(RtRepeatRule){ .target_width = asked ? 0 : config->interval_width,
                                          .budget_s = asked ? INFINITY : config->budget_s,
                                          .n_min = RT_REPEAT_MIN,
                                          .n_max = config->n_repeats });
  start = rt_now_ns ();
  while (rt_repeat_decide (&rule, (const double *)samples->data, samples->len, samples->len,
                           (double)(rt_now_ns () - start) * 1e-9)
         == RT_REPEAT_MORE)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      double speed = pass (build, tokens, n, error);
      if (speed <= 0)
        return FALSE;
      double seconds = n / speed;
      g_array_append_val (samples, seconds);
    }
  *figure = eng_repeat_figure ((const double *)samples->data, samples->len, n, TRUE, "tok/s",
                               "no repeat was asked for");
  return TRUE;
}

/* Bytes that one decoded token must read (weights once, half of the final cache on average) and
 * operations that one token of prefill takes. */
static void
count_work (EngBuild *build, const EngBenchConfig *config, EngBenchResult *result)
{
  RtExec *exec = eng_build_get_exec (build);
  const RtGraph *graph = eng_build_get_graph (build);
  double int8_ops = 0, f32_ops = 0;

  result->decode_bytes_per_token = 0;
  for (guint i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      gboolean int8 = FALSE;
      RtCost cost;

      for (guint k = 0; k < node->n_inputs; k++)
        if (node->inputs[k] != RT_NONE
            && rt_graph_value (graph, node->inputs[k])->kind == RT_VALUE_WEIGHT)
          int8 |= eng_build_value_is_int8 (build, node->inputs[k]);
      rt_exec_cost (exec, i, 1, config->n_decode / 2, &cost);
      result->decode_bytes_per_token += (double)(cost.weight_bytes + cost.read_bytes);
      rt_exec_cost (exec, i, MAX (config->n_prefill, 1), 0, &cost);
      *(int8 ? &int8_ops : &f32_ops) += (double)cost.flops / MAX (config->n_prefill, 1);
    }
  result->prefill_roof = int8_ops > f32_ops ? "int8" : "f32";
  result->prefill_ops_per_token = int8_ops + f32_ops;
}

gboolean
eng_bench (EngBuild *build, const EngBenchConfig *config, const EngRoof *roof,
           EngBenchResult *result, GCancellable *cancellable, GError **error)
{
  guint n_tokens = MAX (config->n_prefill, config->n_decode);
  g_autofree gint32 *tokens = g_new (gint32, MAX (n_tokens, 1));
  RtExec *exec;

  g_return_val_if_fail (ENG_IS_BUILD (build), FALSE);
  g_return_val_if_fail (config->n_repeats > 0 || config->budget_s > 0, FALSE);

  exec = eng_build_get_exec (build);
  if (n_tokens > rt_kv_capacity (rt_exec_kv (exec)))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "A benchmark of %u tokens does not fit the context of %u. Raise the context in "
                   "the recipe, or ask for fewer tokens.",
                   n_tokens, rt_kv_capacity (rt_exec_kv (exec)));
      return FALSE;
    }
  fill_tokens (tokens, n_tokens, rt_exec_n_vocab (exec));
  *result = (EngBenchResult){ .decode_share_of_read = NAN, .prefill_share_of_ops = NAN };
  rt_exec_set_tracing (exec, false);
  if (!repeat (build, run_prefill, tokens, config->n_prefill, config, &result->prefill, cancellable,
               error)
      || !repeat (build, run_decode, tokens, config->n_decode, config, &result->decode, cancellable,
                  error))
    return FALSE;

  count_work (build, config, result);
  if (roof != NULL && result->decode.available)
    result->decode_share_of_read
        = result->decode.value * result->decode_bytes_per_token / roof->read_bytes_per_s;
  if (roof != NULL && result->prefill.available)
    result->prefill_share_of_ops
        = result->prefill.value * result->prefill_ops_per_token
          / (g_str_equal (result->prefill_roof, "int8") ? roof->int8_ops : roof->f32_flops);
  return TRUE;
}
