/* Fuzz target: any bytes as the parts of a folder of safetensors. What begins as JSON is read as
 * tokenizer.json (when it has a model) or config.json, everything else as a weights file. */
#include "fuzz.h"

#include <string.h>

#include "eng-safetensors-config.h"
#include "eng-safetensors-file.h"
#include "eng-safetensors-names.h"
#include "eng-safetensors-tokenizer.h"
#include "rt-tokenizer.h"

#ifdef LATHE_LIBFUZZER
bool fuzz_accepted;
#endif

#define N_VOCAB 300

static volatile unsigned sink;

/* Every tensor lies inside of the file, and every byte can be read. */
static void
check_weights (GBytes *bytes, GError **error)
{
  g_autoptr (EngSafetensorsFile) file = eng_safetensors_file_new (bytes, error);
  EngSafetensorsConfig config = { .n_heads = 4, .n_kv_heads = 2, .interleaves = TRUE };

  for (guint i = 0; file != NULL && i < eng_safetensors_file_n (file); i++)
    {
      const EngSafetensor *t = eng_safetensors_file_get (file, i);
      EngSafetensorsUse use;
      g_autofree char *name = eng_safetensors_dup_name (t->name, &config, &use);
      FUZZ_CHECK (name != NULL && eng_safetensors_file_find (file, t->name) == t);
      for (guint64 k = 0; k < t->n_bytes; k++)
        sink += t->data[k];
    }
}

/* The metadata is GGUF whatever it came from. */
static RtGguf *
open_meta (EngGgufBytes *meta)
{
  gsize n;
  gconstpointer bytes = eng_gguf_bytes_get (meta, &n);
  RtGguf *gguf = rt_gguf_open_parts (bytes, n, NULL, NULL, 0, NULL);

  FUZZ_CHECK (gguf != NULL);
  return gguf;
}

static void
check_tokenizer (JsonObject *json, GError **error)
{
  g_autoptr (EngGgufBytes) meta = eng_gguf_bytes_new ();
  EngSafetensorsTexts texts = { .tokenizer = json, .habits = json, .config = json };

  if (!eng_safetensors_tokenizer_read (&texts, N_VOCAB, meta, error))
    return;
  RtGguf *gguf = open_meta (meta);
  RtTokenizer *tokenizer = rt_tokenizer_new (gguf, NULL);
  int32_t *tokens;
  size_t n_tokens;
  if (tokenizer != NULL
      && rt_tokenizer_encode (tokenizer, "a b 1", 5, true, true, &tokens, &n_tokens, NULL))
    free (tokens);
  rt_tokenizer_free (tokenizer);
  rt_gguf_close (gguf);
}

static void
check_config (JsonObject *json, GError **error)
{
  g_autoptr (EngGgufBytes) meta = eng_gguf_bytes_new ();
  g_auto (EngSafetensorsConfig) config = { 0 };

  if (eng_safetensors_config_read (json, meta, &config, error))
    rt_gguf_close (open_meta (meta));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  g_autoptr (GError) error = NULL;

  if (n > 0 && data[0] == '{')
    {
      g_autoptr (JsonObject) json = eng_strict_json_parse ("a file", (const char *)data, n, &error);
      FUZZ_CHECK ((json != NULL) == (error == NULL));
      if (json != NULL && eng_strict_json_object (json, "model") != NULL)
        check_tokenizer (json, &error);
      else if (json != NULL)
        check_config (json, &error);
    }
  else
    {
      g_autoptr (GBytes) bytes = g_bytes_new (data, n);
      check_weights (bytes, &error);
    }
  fuzz_accepted = error == NULL;
  FUZZ_CHECK (error == NULL
              || (error->message[0] != '\0' && g_utf8_validate (error->message, -1, NULL)));
  return 0;
}
