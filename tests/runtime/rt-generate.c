/* A developer's tool: run a GGUF file on the runtime alone, from token numbers to token numbers,
 * and time it.
 *
 *     rt-generate MODEL [-t THREADS] [-q FORMAT] [-k 1,306,417] [-n N] [-b PROMPT_LENGTH] [-c
 * CONTEXT] [-K KV_FORMAT] [-f FUSIONS] [-l FILE] [-p]
 *
 * Prints the greedy continuation. -l writes the logits of the prompt's positions as raw f32. -p
 * prints what each operator took, from the trace. -b feeds that many arbitrary tokens instead of
 * -k. */
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
  uint32_t n_prompt, n_predict;
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
                  .n_predict = 64 };
  while ((option = getopt (argc, argv, "t:q:k:n:b:c:K:f:l:m:r:p")) != -1)
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

typedef struct
{
  char name[64];
  uint64_t wall_ns, wait_ns;
  uint32_t n;
} OpTotal;

static uint64_t
drain (RtModel *model, uint64_t *start_ns, uint64_t *end_ns, uint64_t *wait_ns, RtPhase phase)
{
  uint64_t n_lost = 0;
  RtTraceRecord records[256];
  size_t n;

  for (uint32_t thread = 0; thread < rt_pool_n_threads (model->pool); thread++)
    while ((n = rt_trace_ring_read (rt_exec_trace (model->exec, thread), records, 256, &n_lost))
           > 0)
      for (size_t i = 0; i < n; i++)
        {
          const RtTraceRecord *r = &records[i];
          if (r->phase != phase)
            continue;
          if (r->start_ns < start_ns[r->node])
            start_ns[r->node] = r->start_ns;
          end_ns[r->node] = r->end_ns;
          wait_ns[r->node] += r->end_ns - r->work_ns;
        }
  return n_lost;
}

/* Add the node times of the last run to the totals by name without the block number. */
static void
add_profile (RtModel *model, OpTotal *totals, uint32_t *n_totals, RtPhase phase)
{
  uint32_t n_nodes = rt_graph_n_nodes (model->graph);
  uint64_t *start = malloc (n_nodes * 8), *end = calloc (n_nodes, 8), *wait = calloc (n_nodes, 8);
  memset (start, 0xff, n_nodes * 8);
  drain (model, start, end, wait, phase);

  for (RtNodeId n = 0; n < n_nodes; n++)
    {
      const RtNode *node = rt_graph_node (model->graph, n);
      const char *dot = strrchr (node->name, '.');
      const char *name = dot != NULL ? dot + 1 : node->name;
      uint32_t t = 0;
      if (end[n] == 0)
        continue;
      while (t < *n_totals && strcmp (totals[t].name, name) != 0)
        t++;
      if (t == *n_totals)
        snprintf (totals[(*n_totals)++].name, sizeof totals->name, "%s", name);
      totals[t].wall_ns += end[n] - start[n];
      totals[t].wait_ns += wait[n];
      totals[t].n++;
    }
  free (wait);
  free (end);
  free (start);
}

static void
print_profile (const OpTotal *totals, uint32_t n_totals, uint32_t n_runs, uint32_t n_threads)
{
  double sum = 0;
  for (uint32_t i = 0; i < n_totals; i++)
    {
      double us = (double)totals[i].wall_ns / n_runs / 1e3;
      sum += us;
      printf ("%-24s %8.1f us  %5.1f us each  waiting %4.1f %%\n", totals[i].name, us,
              (double)totals[i].wall_ns / totals[i].n / 1e3,
              100.0 * (double)totals[i].wait_ns / ((double)totals[i].wall_ns * n_threads));
    }
  printf ("%-24s %8.1f us\n", "sum", sum);
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

static void
generate (RtModel *model, const Options *o, RtError *error)
{
  FILE *logits = o->logits_path != NULL ? fopen (o->logits_path, "wb") : NULL;
  uint32_t n_vocab = rt_exec_n_vocab (model->exec);
  static OpTotal prefill[200], decode[200];
  uint32_t n_prefill = 0, n_decode = 0;
  int32_t *out = calloc (o->n_predict + 1, sizeof *out);

  rt_exec_set_tracing (model->exec, o->profile);
  uint64_t start_ns = rt_now_ns ();
  feed_prompt (model, o, logits, error);
  double prefill_ms = ms_since (start_ns);
  if (o->profile)
    add_profile (model, prefill, &n_prefill, RT_PHASE_PREFILL);
  /* The last row, whether all are there or one. */
  uint32_t last = logits != NULL ? (o->n_prompt - 1) % o->config.max_tokens : 0;
  out[0] = rt_model_argmax (rt_exec_logits (model->exec, last), n_vocab);
  if (logits != NULL)
    fclose (logits);

  double decode_ms = 0, best_ms = 1e9;
  for (uint32_t i = 0; i + 1 < o->n_predict; i++)
    {
      start_ns = rt_now_ns ();
      if (!rt_exec_run (model->exec, &out[i], 1, 1, RT_PHASE_DECODE, error))
        die (error);
      out[i + 1] = rt_model_argmax (rt_exec_logits (model->exec, 0), n_vocab);
      double ms = ms_since (start_ns);
      decode_ms += ms;
      best_ms = ms < best_ms ? ms : best_ms;
      if (o->profile)
        add_profile (model, decode, &n_decode, RT_PHASE_DECODE);
    }

  printf ("tokens:");
  for (uint32_t i = 0; i < o->n_predict; i++)
    printf (" %d", out[i]);
  printf ("\nprefill %u tokens %.1f ms, %.0f tokens/s\n", o->n_prompt, prefill_ms,
          o->n_prompt / prefill_ms * 1e3);
  if (o->n_predict > 1)
    printf ("decode %u tokens, %.3f ms each, best %.3f ms: %.1f tokens/s, best %.1f\n",
            o->n_predict - 1, decode_ms / (o->n_predict - 1), best_ms,
            (o->n_predict - 1) / decode_ms * 1e3, 1e3 / best_ms);
  if (o->profile)
    {
      printf ("-- prefill\n");
      print_profile (prefill, n_prefill, 1, o->config.n_threads);
      printf ("-- decode, per token\n");
      print_profile (decode, n_decode, o->n_predict - 1, o->config.n_threads);
    }
  free (out);
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
