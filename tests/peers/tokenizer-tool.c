/* Encode many texts with Lathe's tokenizer, for tokenizer_peers.py to compare.
 *
 *   tokenizer-tool [--bos] [--special] MODEL.gguf
 *   tokenizer-tool --prompt MODEL.gguf USER [SYSTEM]
 *
 * --prompt writes the chat prompt for a question, for tokenizer_chat.py; status 3 when the template
 * is of no known family. Otherwise: Standard input: texts, each a 32-bit length and the bytes.
 * Standard output: for each text a 32-bit count and the token numbers. Little-endian. The time
 * spent encoding goes to standard error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rt-tokenizer.h"

static double
now_s (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static RtTokenizer *
open_tokenizer (const char *path)
{
  RtError error = { 0 };
  RtGguf *gguf = rt_gguf_open (path, &error);
  double start = now_s ();
  RtTokenizer *t = gguf ? rt_tokenizer_new (gguf, &error) : NULL;

  if (!t)
    {
      fprintf (stderr, "%s\n", error.message);
      exit (1);
    }
  fprintf (stderr, "tokenizer made in %.1f ms\n", (now_s () - start) * 1e3);
  rt_gguf_close (gguf);
  return t;
}

static int
write_prompt (const char *path, const char *user, const char *system)
{
  RtError error = { 0 };
  char *prompt = NULL;
  RtGguf *gguf = rt_gguf_open (path, &error);
  bool ok = gguf && rt_chat_prompt (gguf, system, user, &prompt, &error);

  if (ok)
    fputs (prompt, stdout);
  else
    fprintf (stderr, "%s\n", error.message);
  free (prompt);
  rt_gguf_close (gguf);
  return ok ? 0 : error.status == RT_ERROR_UNSUPPORTED ? 3 : 1;
}

int
main (int argc, char **argv)
{
  bool bos = false, special = false;
  const char *path = NULL;
  uint32_t n_bytes;
  uint64_t n_total = 0;
  double seconds = 0;

  if (argc >= 4 && strcmp (argv[1], "--prompt") == 0)
    return write_prompt (argv[2], argv[3], argv[4]);
  for (int i = 1; i < argc; i++)
    if (strcmp (argv[i], "--bos") == 0)
      bos = true;
    else if (strcmp (argv[i], "--special") == 0)
      special = true;
    else
      path = argv[i];
  if (!path)
    {
      fprintf (stderr, "usage: tokenizer-tool [--bos] [--special] MODEL.gguf\n");
      return 2;
    }

  RtTokenizer *t = open_tokenizer (path);
  while (fread (&n_bytes, sizeof n_bytes, 1, stdin) == 1)
    {
      RtError error = { 0 };
      int32_t *tokens = NULL;
      size_t n = 0;
      char *text = malloc ((size_t)n_bytes + 1);
      if (!text || fread (text, 1, n_bytes, stdin) != n_bytes)
        {
          fprintf (stderr, "a text of %u bytes is incomplete\n", n_bytes);
          return 1;
        }
      double start = now_s ();
      if (!rt_tokenizer_encode (t, text, n_bytes, bos, special, &tokens, &n, &error))
        {
          /* Not every vocabulary has every byte: no tokens, and a count that says so. */
          if (error.status != RT_ERROR_UNSUPPORTED)
            {
              fprintf (stderr, "%s\n", error.message);
              return 1;
            }
          n = UINT32_MAX;
        }
      seconds += now_s () - start;
      n_total += n_bytes;
      uint32_t count = (uint32_t)n;
      fwrite (&count, sizeof count, 1, stdout);
      if (tokens)
        fwrite (tokens, sizeof *tokens, n, stdout);
      free (tokens);
      free (text);
    }
  fprintf (stderr, "%llu bytes in %.1f ms, %.1f MB/s\n", (unsigned long long)n_total, seconds * 1e3,
           seconds > 0 ? (double)n_total / seconds / 1e6 : 0);
  rt_tokenizer_free (t);
  return fflush (stdout) == 0 ? 0 : 1;
}
