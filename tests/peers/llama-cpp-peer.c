/* The peer's side of the comparison with llama.cpp: speeds and logits through its public interface,
 * as JSON. Built by llama_cpp.py against the headers and libraries of the npm packages it names;
 * never linked into Lathe.
 *
 *   llama-cpp-peer bench LIBRARIES MODEL THREADS N_PREFILL N_DECODE REPEATS
 *   llama-cpp-peer logits LIBRARIES MODEL THREADS OUT N_PREDICT TOKEN...
 *
 * bench: tokens per second of each repeat, after one warm-up; each pass starts from an empty cache.
 * logits: feeds the tokens, then N_PREDICT greedy ones; writes [1 + N_PREDICT][n_vocab] f32 to OUT
 * (the last prompt token's logits first) and prints the greedy tokens. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ggml-backend.h"
#include "llama.h"

static double
now_s (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
quiet (enum ggml_log_level level, const char *text, void *data)
{
  if (level >= GGML_LOG_LEVEL_ERROR)
    fputs (text, stderr);
}

static struct llama_context *
open_model (const char *libraries, const char *path, int n_threads, int n_ctx,
            struct llama_model **model)
{
  struct llama_model_params model_params;
  struct llama_context_params params;

  llama_log_set (quiet, NULL);
  ggml_backend_load_all_from_path (libraries);
  llama_backend_init ();
  model_params = llama_model_default_params ();
  *model = llama_model_load_from_file (path, model_params);
  if (*model == NULL)
    {
      fprintf (stderr, "llama.cpp could not load %s\n", path);
      exit (1);
    }
  params = llama_context_default_params ();
  params.n_ctx = (uint32_t)n_ctx;
  params.n_batch = 2048;
  params.n_ubatch = 512;
  params.n_threads = params.n_threads_batch = n_threads;
  return llama_init_from_model (*model, params);
}

static void
decode (struct llama_context *context, llama_token *tokens, int n)
{
  if (llama_decode (context, llama_batch_get_one (tokens, n)) != 0)
    {
      fprintf (stderr, "llama_decode failed\n");
      exit (1);
    }
}

/* Tokens per second: all @n in batches of @step from an empty cache. */
static double
pass (struct llama_context *context, llama_token *tokens, int n, int step)
{
  double start;

  llama_memory_clear (llama_get_memory (context), false);
  start = now_s ();
  for (int i = 0; i < n; i += step)
    decode (context, tokens + i, step < n - i ? step : n - i);
  llama_synchronize (context);
  return n / (now_s () - start);
}

static void
print_passes (const char *name, struct llama_context *context, llama_token *tokens, int n, int step,
              int n_repeats)
{
  printf ("\"%s\": [", name);
  pass (context, tokens, n, step);
  for (int i = 0; i < n_repeats; i++)
    printf ("%s%.3f", i > 0 ? ", " : "", pass (context, tokens, n, step));
  printf ("]");
}

static int
bench (char **argv)
{
  int n_threads = atoi (argv[2]), n_prefill = atoi (argv[3]), n_decode = atoi (argv[4]),
      n_repeats = atoi (argv[5]);
  int n = n_prefill > n_decode ? n_prefill : n_decode;
  struct llama_model *model;
  struct llama_context *context = open_model (argv[0], argv[1], n_threads, n + 16, &model);
  int n_vocab = llama_vocab_n_tokens (llama_model_get_vocab (model));
  llama_token *tokens = calloc ((size_t)n, sizeof *tokens);
  unsigned state = 12345;

  for (int i = 0; i < n; i++)
    {
      state = state * 1664525u + 1013904223u;
      tokens[i] = (llama_token)((state >> 8) % (unsigned)n_vocab);
    }
  printf ("{ ");
  print_passes ("prefill_tokens_per_s", context, tokens, n_prefill, 512, n_repeats);
  printf (", ");
  print_passes ("decode_tokens_per_s", context, tokens, n_decode, 1, n_repeats);
  printf (" }\n");
  free (tokens);
  return 0;
}

static llama_token
best (const float *logits, int n)
{
  int at = 0;

  for (int i = 1; i < n; i++)
    if (logits[i] > logits[at])
      at = i;
  return at;
}

static int
logits (int argc, char **argv)
{
  int n_threads = atoi (argv[2]), n_predict = atoi (argv[4]), n_prompt = argc - 5;
  struct llama_model *model;
  struct llama_context *context
      = open_model (argv[0], argv[1], n_threads, n_prompt + n_predict + 16, &model);
  int n_vocab = llama_vocab_n_tokens (llama_model_get_vocab (model));
  llama_token *tokens = calloc ((size_t)n_prompt, sizeof *tokens);
  FILE *out = fopen (argv[3], "wb");
  llama_token next;

  if (out == NULL)
    {
      perror (argv[3]);
      return 1;
    }
  for (int i = 0; i < n_prompt; i++)
    tokens[i] = atoi (argv[5 + i]);
  decode (context, tokens, n_prompt);
  printf ("{ \"tokens\": [");
  for (int i = 0;; i++)
    {
      const float *row = llama_get_logits_ith (context, -1);

      fwrite (row, sizeof *row, (size_t)n_vocab, out);
      if (i == n_predict)
        break;
      next = best (row, n_vocab);
      printf ("%s%d", i > 0 ? ", " : "", next);
      decode (context, &next, 1);
    }
  printf ("], \"n_vocab\": %d }\n", n_vocab);
  free (tokens);
  return fclose (out) != 0;
}

int
main (int argc, char **argv)
{
  if (argc == 8 && strcmp (argv[1], "bench") == 0)
    return bench (argv + 2);
  if (argc >= 8 && strcmp (argv[1], "logits") == 0)
    return logits (argc - 2, argv + 2);
  fprintf (stderr, "see the head of llama-cpp-peer.c\n");
  return 2;
}
