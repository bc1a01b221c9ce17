/* Fuzz target: any bytes as a GGUF file. Everything that the reader hands out is touched. */
#include "fuzz.h"

#include <string.h>

#include "rt-gguf.h"
#include "rt-tokenizer.h"

#ifdef LATHE_LIBFUZZER
bool fuzz_accepted;
#endif

/* Every byte counts, so that a sanitizer sees it read. */
static volatile unsigned sink;

static void
touch (const RtGguf *g, const uint8_t *file, const void *data, uint64_t n)
{
  const uint8_t *p = data;

  FUZZ_CHECK (p >= file && n <= rt_gguf_file_bytes (g)
              && (uint64_t)(p - file) <= rt_gguf_file_bytes (g) - n);
  for (uint64_t i = 0; i < n; i++)
    sink += p[i];
}

static void
touch_meta (const RtGguf *g, const uint8_t *file, const RtGgufMeta *meta)
{
  char shown[32], key[64];
  RtSlice item;
  uint64_t cursor = 0, u;
  int64_t i;
  double f;
  bool b;

  touch (g, file, meta->key.data, meta->key.length);
  touch (g, file, meta->data, meta->bytes);
  rt_slice_show (meta->key, shown, sizeof shown);
  FUZZ_CHECK (strlen (shown) < sizeof shown);
  if (meta->item_type == RT_GGUF_STRING && meta->type == RT_GGUF_ARRAY)
    {
      uint64_t n = 0;
      for (; rt_gguf_next_string (meta, &cursor, &item); n++)
        touch (g, file, item.data, item.length);
      FUZZ_CHECK (n == meta->n_items);
    }
  for (uint64_t k = 0; k < meta->n_items && k < 64; k++)
    {
      rt_gguf_item_f64 (meta, k, &f);
      rt_gguf_item_i64 (meta, k, &i);
    }
  if (meta->key.length < sizeof key && !memchr (meta->key.data, 0, meta->key.length))
    {
      memcpy (key, meta->key.data, meta->key.length);
      key[meta->key.length] = '\0';
      FUZZ_CHECK (rt_gguf_find (g, key) == meta);
      rt_gguf_get_u64 (g, key, &u);
      rt_gguf_get_f64 (g, key, &f);
      rt_gguf_get_bool (g, key, &b);
      if (rt_gguf_get_string (g, key, &item))
        touch (g, file, item.data, item.length);
    }
}

static void
touch_tensor (const RtGguf *g, const uint8_t *file, const RtGgufTensor *t)
{
  touch (g, file, t->name.data, t->name.length);
  FUZZ_CHECK ((t->data == NULL) == (t->bytes == 0));
  if (t->data)
    touch (g, file, t->data, t->bytes);
  FUZZ_CHECK (((uintptr_t)t->data & 7) == 0);
  FUZZ_CHECK (rt_gguf_dtype_name (t->dtype)[0] != '\0');
}

/* What was read can be written again. */
static void
copy_meta (const RtGguf *g)
{
  RtError error = { 0 };
  RtGgufWriter *w = rt_gguf_writer_new (&error);

  for (uint64_t i = 0; i < rt_gguf_n_meta (g) && i < 64; i++)
    if (!memchr (rt_gguf_meta (g, i)->key.data, 0, rt_gguf_meta (g, i)->key.length))
      FUZZ_CHECK (rt_gguf_writer_copy_meta (w, rt_gguf_meta (g, i), &error));
  rt_gguf_writer_free (w);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n)
{
  /* Aligned, and with nothing behind it. */
  uint8_t *file = malloc (n ? n : 1);
  RtError error = { 0 };
  char *prompt = NULL;

  memcpy (file, data, n);
  RtGguf *g = rt_gguf_open_bytes (file, n, &error);
  FUZZ_CHECK ((g != NULL) == (error.status == RT_OK));
  FUZZ_CHECK (g || error.message[0] != '\0');
  fuzz_accepted = g != NULL;
  if (g)
    {
      for (uint64_t i = 0; i < rt_gguf_n_meta (g); i++)
        touch_meta (g, file, rt_gguf_meta (g, i));
      for (uint64_t i = 0; i < rt_gguf_n_tensors (g); i++)
        touch_tensor (g, file, rt_gguf_tensor (g, i));
      copy_meta (g);
      if (rt_chat_prompt (g, NULL, "Hi", &prompt, &error))
        free (prompt);
      rt_gguf_close (g);
    }
  free (file);
  return 0;
}
