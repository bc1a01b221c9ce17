/* A developer's tool: run a GGUF file on the runtime alone, from token numbers to token numbers,
 * and time it.
 *
 *     rt-generate MODEL [-t THREADS] [-q FORMAT] [-k 1,306,417 | -b PROMPT_LENGTH] [-n N] [-p]
 *                       [-c CONTEXT] [-K KV_FORMAT] [-f FUSIONS] [-l FILE] [-R REPEATS] [-m BATCH]
 *     rt-generate MODEL -r ARCHITECTURE
 *
 * Prints the greedy continuation. -l writes the logits of the prompt's positions as raw f32. -p
 * prints what each operator took, from the trace. -b feeds that many arbitrary tokens instead of
 * -k. -R feeds the prompt several times. -T measures the cost of tracing
 * over that many pairs of runs. -V takes the time of runs of 1, 2, 4, ... up to that many tokens
 * with all their logits, as speculation verifies them. -r writes a small model with random weights
 * to MODEL. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random-model.h"
#include "rt-model.h"

#define MAX_PROMPT 8192

typedef struct
{
  RtModelConfig config;
  int32_t tokens[MAX_PROMPT];
  uint32_t n_prompt, n_predict, n_repeats, n_trace_pairs, n_verify;
  const char *logits_path;
  const char *random_arch;
  bool profile;
} Options;

static double
ms_since (uint64_t start_ns)
{
  return (double)(rt_now_ns () - start_ns) / 1e6;
}

static void
parse_tokens (Options *o, const char *text)
{
  char *end;
  for (o->n_prompt = 0; *text != '\0' && o->n_prompt < MAX_PROMPT; text = *end ? end + 1 : end)
    o->tokens[o->n_prompt++] = (int32_t)strtol (text, &end, 10);
}

static int
parse_format (const char *name)
{
  int format = kn_dtype_from_name (name);
  if (format < 0)
    {
      fprintf (stderr, "unknown format %s\n", name);
      exit (2);
    }
  return format;
}

static void
parse_options (int argc, char **argv, Options *o)
{
  int option;

  *o = (Options){ .config = { .format = -1,
                              .fusions = RT_FUSE_ALL,
                              .n_threads = rt_n_cpus (),
                              .max_tokens = 512,
                              .max_outputs = 1,
                              .kv_format = KN_F16,
                              .kv_capacity = 1024 },
                  .tokens = { 1 },
                  .n_prompt = 1,
                  .n_predict = 64,
                  .n_repeats = 1 };
  while ((option = getopt (argc, argv, "t:q:k:n:b:c:K:f:l:m:r:R:T:V:p")) != -1)
    switch (option)
      {
      case 't':
        o->config.n_threads = (uint32_t)atoi (optarg);
        break;
      case 'q':
        o->config.format = parse_format (optarg);
        break;
      case 'k':
        parse_tokens (o, optarg);
        break;
      case 'n':
        o->n_predict = (uint32_t)atoi (optarg);
        break;
      case 'b':
        o->n_prompt = (uint32_t)atoi (optarg);
        o->n_prompt = o->n_prompt < MAX_PROMPT ? o->n_prompt : MAX_PROMPT;
        for (uint32_t i = 0; i < o->n_prompt; i++)
          o->tokens[i] = (int32_t)(i * 7 % 500 + 1);
        break;
      case 'c':
        o->config.kv_capacity = (uint32_t)atoi (optarg);
        break;
      case 'K':
        o->config.kv_format = (KnDtype)parse_format (optarg);
        break;
      case 'f':
        o->config.fusions = (uint32_t)strtoul (optarg, NULL, 0);
        break;
      case 'm':
        o->config.max_tokens = (uint32_t)atoi (optarg);
        break;
      case 'l':
        o->logits_path = optarg;
        o->config.max_outputs = o->config.max_tokens;
        break;
      case 'r':
        o->random_arch = optarg;
        break;
      case 'R':
        o->n_repeats = (uint32_t)atoi (optarg);
        break;
      case 'T':
        o->n_trace_pairs = (uint32_t)atoi (optarg);
        break;
      case 'V':
        o->n_verify = (uint32_t)atoi (optarg);
        o->config.max_outputs = o->n_verify;
        break;
      case 'p':
        o->profile = true;
        break;
      default:
        exit (2);
      }
  if (optind >= argc)
    {
      fprintf (stderr, "usage: rt-generate MODEL [options], see the source\n");
      exit (2);
    }
  o->config.path = argv[optind];
}

static void
die (const RtError *error)
{
  fprintf (stderr, "rt-generate: %s\n", error->message);
  exit (1);
}

static void
write_random (const char *path, const char *arch)
{
  RandomModel shape = { .arch = arch,
                        .n_layers = 3,
                        .n_embd = 96,
                        .n_ff = 160,
                        .n_heads = 6,
                        .n_kv_heads = 2,
                        .head_dim = 32,
                        .n_vocab = 90,
                        .dtype = KN_F32,
                        .qkv_bias = strcmp (arch, "qwen2") == 0,
                        .head_norms = strcmp (arch, "qwen3") == 0 };
  RtError error = { 0 };
  char *written = random_model_write (&shape, 4, &error);
  if (written == NULL)
    die (&error);
  if (rename (written, path) != 0)
    {
      perror (path);
      exit (1);
    }
  free (written);
}

/* ---- profile ---- */

/* What each node took at best over the runs of a phase: a busy machine only adds to it. */
typedef struct
{
  uint64_t *wall_ns, *wait_ns; /* [nodes] of the best run */
  uint64_t n_lost;
} Profile;

static Profile
profile_new (const RtModel *model)
{
  uint32_t n = rt_graph_n_nodes (model->graph);
  Profile p = { .wall_ns = malloc (n * 8), .wait_ns = calloc (n, 8) };
  memset (p.wall_ns, 0xff, n * 8);
  return p;
}

static void
profile_clear (Profile *p)
{
  free (p->wait_ns);
  free (p->wall_ns);
}

/* Take the records of the last run. */
static void
profile_add (Profile *p, RtModel *model)
{
  uint32_t n_nodes = rt_graph_n_nodes (model->graph);
  uint64_t *start = malloc (n_nodes * 8), *end = calloc (n_nodes, 8), *wait = calloc (n_nodes, 8);
  RtTraceRecord r[256];
  size_t n;

  memset (start, 0xff, n_nodes * 8);
  for (uint32_t thread = 0; thread < rt_pool_n_threads (model->pool); thread++)
    while ((n = rt_trace_ring_read (rt_exec_trace (model->exec, thread), r, 256, &p->n_lost)) > 0)
      for (size_t i = 0; i < n; i++)
        {
          start[r[i].node] = r[i].start_ns < start[r[i].node] ? r[i].start_ns : start[r[i].node];
          end[r[i].node] = r[i].end_ns;
          wait[r[i].node] += r[i].end_ns - r[i].work_ns;
        }
  for (uint32_t i = 0; i < n_nodes; i++)
    if (end[i] != 0 && end[i] - start[i] < p->wall_ns[i])
      {
        p->wall_ns[i] = end[i] - start[i];
        p->wait_ns[i] = wait[i];
      }
  free (wait);
  free (end);
  free (start);
}

/* Drop the records of the last run. */
static void
profile_skip (Profile *p, RtModel *model)
{
  RtTraceRecord r[256];

  for (uint32_t thread = 0; thread < rt_pool_n_threads (model->pool); thread++)
    while (rt_trace_ring_read (rt_exec_trace (model->exec, thread), r, 256, &p->n_lost) > 0)
      ;
}

/* Sums over the blocks, by the nodes' names without the block's number. */
static void
profile_print (const Profile *p, const RtModel *model, uint32_t n_tokens, uint32_t position)
{
  uint32_t n_nodes = rt_graph_n_nodes (model->graph);
  double sum = 0;
  bool *done = calloc (n_nodes, sizeof *done);

  for (RtNodeId first = 0; first < n_nodes; first++)
    {
      const char *name = rt_graph_node (model->graph, first)->name;
      const char *tail = strrchr (name, '.') != NULL ? strrchr (name, '.') : name;
      double wall = 0, wait = 0, bytes = 0, flops = 0;
      uint32_t n = 0;
      for (RtNodeId i = first; i < n_nodes; i++)
        {
          const char *other = rt_graph_node (model->graph, i)->name;
          const char *end = strlen (other) >= strlen (tail) && !done[i]
                                ? other + strlen (other) - strlen (tail)
                                : "";
          RtCost cost;
          if (strcmp (end, tail) != 0 || p->wall_ns[i] == UINT64_MAX)
            continue;
          rt_exec_cost (model->exec, i, n_tokens, position, &cost);
          done[i] = true;
          n++;
          wall += (double)p->wall_ns[i];
          wait += (double)p->wait_ns[i];
          bytes += (double)(cost.weight_bytes + cost.read_bytes + cost.write_bytes);
          flops += (double)cost.flops;
        }
      sum += wall;
      if (n > 0)
        printf ("%-20s %9.1f us  %6.2f us each  %6.1f GB/s  %7.1f Gop/s  waiting %4.1f %%\n",
                tail + (tail != name), wall / 1e3, wall / n / 1e3, bytes / wall, flops / wall,
                100 * wait / (wall * rt_pool_n_threads (model->pool)));
    }
  printf ("%-20s %9.1f us\n", "sum", sum / 1e3);
  free (done);
}

/* ---- run ---- */

static void
feed_prompt (RtModel *model, const Options *o, FILE *logits, RtError *error)
{
  for (uint32_t at = 0; at < o->n_prompt; at += o->config.max_tokens)
    {
      uint32_t n = o->n_prompt - at;
      n = n < o->config.max_tokens ? n : o->config.max_tokens;
      uint32_t n_out = logits != NULL ? n : at + n == o->n_prompt ? 1 : 0;
      if (!rt_exec_run (model->exec, o->tokens + at, n, n_out, RT_PHASE_PREFILL, error))
        die (error);
      for (uint32_t i = 0; i < n_out && logits != NULL; i++)
        fwrite (rt_exec_logits (model->exec, i), 4, rt_exec_n_vocab (model->exec), logits);
    }
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* What tracing costs: decode the same token in pairs of runs with and without, and take the median
 * of the pairs' quotients. */
static void
print_trace_cost (RtModel *model, const Options *o, RtError *error)
{
  uint32_t n = o->n_trace_pairs, n_used = rt_kv_n_used (rt_exec_kv (model->exec));
  double *quotients = calloc (n, sizeof *quotients);
  RtTraceRecord r[256];
  uint64_t n_lost = 0;

  for (uint32_t i = 0; i < n; i++)
    {
      double ms[2];
      for (int k = 0; k < 2; k++)
        {
          int traced = (int)(i & 1) ^ k; /* each comes first in half of the pairs */
          rt_kv_set_n_used (rt_exec_kv (model->exec), n_used - 1);
          rt_exec_set_tracing (model->exec, traced);
          uint64_t start_ns = rt_now_ns ();
          if (!rt_exec_run (model->exec, o->tokens, 1, 1, RT_PHASE_DECODE, error))
            die (error);
          ms[traced] = ms_since (start_ns);
        }
      quotients[i] = ms[1] / ms[0];
      for (uint32_t t = 0; t < rt_pool_n_threads (model->pool); t++)
        while (rt_trace_ring_read (rt_exec_trace (model->exec, t), r, 256, &n_lost) > 0)
          ;
    }
  qsort (quotients, n, sizeof *quotients, compare_doubles);
  printf (
      "tracing costs %.2f %% of a decoded token (median of %u pairs, quartiles %.2f and %.2f)\n",
      100 * (quotients[n / 2] - 1), n, 100 * (quotients[n / 4] - 1),
      100 * (quotients[n * 3 / 4] - 1));
  free (quotients);
}

/* Runs of 1 and of @n tokens in turn, so that both see the same machine; medians and the median of
 * the quotients. */
static void
print_verify (RtModel *model, const Options *o, uint32_t n, RtError *error)
{
  enum
  {
    N_PAIRS = 41
  };
  uint32_t n_used = rt_kv_n_used (rt_exec_kv (model->exec));
  double ms[2][N_PAIRS], quotients[N_PAIRS];
  Profile profile = profile_new (model);

  for (int i = 0; i < N_PAIRS; i++)
    {
      for (int k = 0; k < 2; k++)
        {
          uint32_t n_tokens = k == 0 ? 1 : n;
          uint64_t start_ns = rt_now_ns ();
          if (!rt_exec_run (model->exec, o->tokens, n_tokens, n_tokens, RT_PHASE_DECODE, error))
            die (error);
          ms[k][i] = ms_since (start_ns);
          rt_kv_set_n_used (rt_exec_kv (model->exec), n_used);
          if (o->profile && k == 1)
            profile_add (&profile, model);
          else if (o->profile)
            profile_skip (&profile, model);
        }
      quotients[i] = ms[1][i] / ms[0][i];
    }
  for (int k = 0; k < 2; k++)
    qsort (ms[k], N_PAIRS, sizeof ms[k][0], compare_doubles);
  qsort (quotients, N_PAIRS, sizeof quotients[0], compare_doubles);
  printf (
      "verify %2u tokens behind %u: %.3f ms, one token %.3f ms: %.2fx (quartiles %.2f, %.2f); best "
      "%.3f and %.3f: %.2fx\n",
      n, n_used, ms[1][N_PAIRS / 2], ms[0][N_PAIRS / 2], quotients[N_PAIRS / 2],
      quotients[N_PAIRS / 4], quotients[N_PAIRS * 3 / 4], ms[1][0], ms[0][0], ms[1][0] / ms[0][0]);
  if (o->profile)
    profile_print (&profile, model, n, n_used);
  profile_clear (&profile);
}

static void
generate (RtModel *model, const Options *o, RtError *error)
{
  FILE *logits = o->logits_path != NULL ? fopen (o->logits_path, "wb") : NULL;
  uint32_t n_vocab = rt_exec_n_vocab (model->exec);
  Profile prefill = profile_new (model), decode = profile_new (model);
  int32_t *out = calloc (o->n_predict + 1, sizeof *out);
  double prefill_ms = 1e9, decode_ms = 0, best_ms = 1e9;

  rt_exec_set_tracing (model->exec, o->profile);
  for (uint32_t i = 0; i < o->n_repeats; i++)
    {
      rt_kv_set_n_used (rt_exec_kv (model->exec), 0);
      uint64_t start_ns = rt_now_ns ();
      feed_prompt (model, o, i == 0 ? logits : NULL, error);
      double ms = ms_since (start_ns);
      prefill_ms = ms < prefill_ms ? ms : prefill_ms;
      if (o->profile)
        profile_add (&prefill, model);
    }
  /* The last row, whether all are there or one. */
  uint32_t last
      = logits != NULL && o->n_repeats == 1 ? (o->n_prompt - 1) % o->config.max_tokens : 0;
  out[0] = rt_model_argmax (rt_exec_logits (model->exec, last), n_vocab);
  if (logits != NULL)
    fclose (logits);

  for (uint32_t i = 0; i + 1 < o->n_predict; i++)
    {
      uint64_t start_ns = rt_now_ns ();
      if (!rt_exec_run (model->exec, &out[i], 1, 1, RT_PHASE_DECODE, error))
        die (error);
      out[i + 1] = rt_model_argmax (rt_exec_logits (model->exec, 0), n_vocab);
      double ms = ms_since (start_ns);
      decode_ms += ms;
      best_ms = ms < best_ms ? ms : best_ms;
      if (o->profile)
        profile_add (&decode, model);
    }

  printf ("tokens:");
  for (uint32_t i = 0; i < o->n_predict; i++)
    printf (" %d", out[i]);
  printf ("\nprefill %u tokens, best of %u: %.1f ms, %.0f tokens/s\n", o->n_prompt, o->n_repeats,
          prefill_ms, o->n_prompt / prefill_ms * 1e3);
  if (o->n_predict > 1)
    printf ("decode %u tokens, %.3f ms each, best %.3f ms: %.1f tokens/s, best %.1f\n",
            o->n_predict - 1, decode_ms / (o->n_predict - 1), best_ms,
            (o->n_predict - 1) / decode_ms * 1e3, 1e3 / best_ms);
  if (o->profile)
    {
      printf ("-- prefill: best of each node\n");
      profile_print (&prefill, model, o->n_prompt, 0);
      printf ("-- decode: best of each node\n");
      profile_print (&decode, model, 1, o->n_prompt);
    }
  for (uint32_t n = 1; n <= o->n_verify; n *= 2)
    print_verify (model, o, n, error);
  if (o->n_trace_pairs > 0)
    print_trace_cost (model, o, error);
  free (out);
  profile_clear (&decode);
  profile_clear (&prefill);
}

int
main (int argc, char **argv)
{
  Options o;
  RtModel model;
  RtError error = { 0 };
  RtMemory memory;

  parse_options (argc, argv, &o);
  if (o.random_arch != NULL)
    {
      write_random (o.config.path, o.random_arch);
      return 0;
    }
  uint64_t start_ns = rt_now_ns ();
  if (!rt_model_open (&model, &o.config, &error))
    die (&error);
  rt_exec_memory (model.exec, &memory);
  printf ("%s: %u nodes, ready in %.0f ms; weights %.1f MiB, activations %.2f, scratch %.2f, cache "
          "%.1f, trace %.1f; %u fallbacks to F16; %s\n",
          model.params.arch, rt_graph_n_nodes (model.graph), ms_since (start_ns),
          (double)memory.weight_bytes / 1048576, (double)memory.activation_bytes / 1048576,
          (double)memory.scratch_bytes / 1048576, (double)memory.kv_bytes / 1048576,
          (double)memory.trace_bytes / 1048576, model.n_fallbacks,
          kn_level_name (kn_table ()->level));
  generate (&model, &o, &error);
  rt_model_close (&model);
  return 0;
}
