/* The GGUF reader: what it hands out for good files, and what it says of bad ones.
 *
 * Files are built byte by byte from the format's description, never by the writer under test. */
#include <glib.h>
#include <glib/gstdio.h>

#include "gguf-bytes.h"
#include "kn-types.h"
#include "rt-gguf.h"

/* Two metadata entries and two tensors, alignment 32. */
static GByteArray *
new_good_file (uint32_t version)
{
  GByteArray *b = g_byte_array_new ();

  put_header (b, version, 2, 7);
  put_key (b, "general.architecture", RT_GGUF_STRING);
  put_string (b, "llama");
  put_key (b, "count", RT_GGUF_U32);
  put_u32 (b, 4000000000u);
  put_key (b, "below", RT_GGUF_I8);
  put_u8 (b, (uint8_t)-5);
  put_key (b, "eps", RT_GGUF_F32);
  put_f32 (b, 1e-5f);
  put_key (b, "flag", RT_GGUF_BOOL);
  put_u8 (b, 1);
  put_key (b, "words", RT_GGUF_ARRAY);
  put_u32 (b, RT_GGUF_STRING);
  put_u64 (b, 3);
  put_string (b, "a");
  put_string (b, "");
  put_string (b, "\xe2\x96\x81the");
  put_key (b, "numbers", RT_GGUF_ARRAY);
  put_u32 (b, RT_GGUF_I32);
  put_u64 (b, 2);
  put_u32 (b, 7);
  put_u32 (b, (uint32_t)-9);
  put_tensor_2d (b, "first", 32, 2, 8, 0);  /* Q8_0: 68 bytes */
  put_tensor_2d (b, "second", 3, 2, 0, 96); /* F32: 24 bytes */
  put_padding (b, 32);
  put_zeros (b, 96);
  for (int i = 0; i < 6; i++)
    put_f32 (b, (float)i);
  return b;
}

static RtGguf *
open_bytes (GByteArray *b, RtError *error)
{
  *error = (RtError){ 0 };
  return rt_gguf_open_bytes (b->data, b->len, error);
}

/* @b is refused with @status, in a sentence with @part in it. */
static void
assert_refused (GByteArray *b, RtStatus status, const char *part)
{
  RtError error;
  RtGguf *gguf = open_bytes (b, &error);

  g_assert_null (gguf);
  g_assert_cmpint (error.status, ==, status);
  if (!strstr (error.message, part))
    g_error ("'%s' is not in '%s'", part, error.message);
  g_byte_array_unref (b);
}

static void
test_read (gconstpointer data)
{
  g_autoptr (GByteArray) b = new_good_file (GPOINTER_TO_UINT (data));
  RtError error;
  RtGguf *g = open_bytes (b, &error);

  g_assert_nonnull (g);
  g_assert_cmpuint (rt_gguf_version (g), ==, GPOINTER_TO_UINT (data));
  g_assert_cmpuint (rt_gguf_n_meta (g), ==, 7);
  g_assert_cmpuint (rt_gguf_n_tensors (g), ==, 2);
  g_assert_cmpuint (rt_gguf_file_bytes (g), ==, b->len);
  g_assert_cmpuint (rt_gguf_alignment (g), ==, 32);
  g_assert_true (rt_slice_equals (rt_gguf_meta (g, 1)->key, "count"));

  const RtGgufTensor *t = rt_gguf_find_tensor (g, "second");
  g_assert_nonnull (t);
  g_assert_true (t == rt_gguf_tensor (g, 1));
  g_assert_cmpuint (t->n_dims, ==, 2);
  g_assert_cmpuint (t->ne[0], ==, 3);
  g_assert_cmpuint (t->ne[1], ==, 2);
  g_assert_cmpuint (t->ne[2], ==, 1);
  g_assert_cmpuint (t->ne[3], ==, 1);
  g_assert_cmpuint (t->bytes, ==, 24);
  g_assert_cmpfloat (((const float *)t->data)[5], ==, 5.0f);
  g_assert_cmpuint (rt_gguf_find_tensor (g, "first")->bytes, ==, 68);
  g_assert_null (rt_gguf_find_tensor (g, "third"));
  g_assert_null (rt_gguf_find_tensor (g, "firs"));
  g_assert_null (rt_gguf_find_tensor (g, ""));
  rt_gguf_close (g);
}

static void
test_values (void)
{
  g_autoptr (GByteArray) b = new_good_file (3);
  RtError error;
  RtGguf *g = open_bytes (b, &error);
  uint64_t u = 42, cursor = 0;
  int64_t i;
  double f;
  bool flag = false;
  RtSlice s;

  g_assert_true (rt_gguf_get_u64 (g, "count", &u));
  g_assert_cmpuint (u, ==, 4000000000u);
  g_assert_false (rt_gguf_get_u64 (g, "below", &u)); /* negative */
  g_assert_false (rt_gguf_get_u64 (g, "eps", &u));
  g_assert_false (rt_gguf_get_u64 (g, "flag", &u));
  g_assert_false (rt_gguf_get_u64 (g, "numbers", &u));
  g_assert_false (rt_gguf_get_u64 (g, "absent", &u));
  g_assert_cmpuint (u, ==, 4000000000u); /* untouched */
  g_assert_true (rt_gguf_get_f64 (g, "below", &f));
  g_assert_cmpfloat (f, ==, -5);
  g_assert_true (rt_gguf_get_f64 (g, "eps", &f));
  g_assert_cmpfloat (f, ==, (double)1e-5f);
  g_assert_true (rt_gguf_get_bool (g, "flag", &flag));
  g_assert_true (flag);
  g_assert_false (rt_gguf_get_bool (g, "count", &flag));
  g_assert_true (rt_gguf_get_string (g, "general.architecture", &s));
  g_assert_true (rt_slice_equals (s, "llama"));
  g_assert_false (rt_gguf_get_string (g, "words", &s));

  g_assert_null (rt_gguf_get_array (g, "words", RT_GGUF_I32));
  g_assert_null (rt_gguf_get_array (g, "count", RT_GGUF_U32));
  const RtGgufMeta *words = rt_gguf_get_array (g, "words", RT_GGUF_STRING);
  g_assert_cmpuint (words->n_items, ==, 3);
  g_assert_true (rt_gguf_next_string (words, &cursor, &s));
  g_assert_true (rt_slice_equals (s, "a"));
  g_assert_true (rt_gguf_next_string (words, &cursor, &s));
  g_assert_true (rt_slice_equals (s, ""));
  g_assert_true (rt_gguf_next_string (words, &cursor, &s));
  g_assert_true (rt_slice_equals (s, "\xe2\x96\x81the"));
  g_assert_false (rt_gguf_next_string (words, &cursor, &s));
  g_assert_false (rt_gguf_item_i64 (words, 0, &i));

  const RtGgufMeta *numbers = rt_gguf_find (g, "numbers");
  g_assert_true (rt_gguf_item_i64 (numbers, 1, &i));
  g_assert_cmpint (i, ==, -9);
  g_assert_true (rt_gguf_item_f64 (numbers, 0, &f));
  g_assert_cmpfloat (f, ==, 7);
  g_assert_false (rt_gguf_item_i64 (numbers, 2, &i));
  cursor = 0;
  g_assert_false (rt_gguf_next_string (numbers, &cursor, &s));
  rt_gguf_close (g);
}

/* The extremes of every integer width. */
static void
test_integers (void)
{
  static const struct
  {
    uint32_t type;
    int n_bytes;
    uint64_t raw;
    bool is_u64, is_i64;
    uint64_t u64;
    int64_t i64;
  } cases[] = {
    { RT_GGUF_U8, 1, 0xff, true, true, 255, 255 },
    { RT_GGUF_I8, 1, 0x80, false, true, 0, -128 },
    { RT_GGUF_I8, 1, 0x7f, true, true, 127, 127 },
    { RT_GGUF_U16, 2, 0xffff, true, true, 65535, 65535 },
    { RT_GGUF_I16, 2, 0x8000, false, true, 0, -32768 },
    { RT_GGUF_I32, 4, 0x80000000, false, true, 0, INT32_MIN },
    { RT_GGUF_U32, 4, 0xffffffff, true, true, UINT32_MAX, UINT32_MAX },
    { RT_GGUF_U64, 8, UINT64_MAX, true, false, UINT64_MAX, 0 },
    { RT_GGUF_U64, 8, INT64_MAX, true, true, INT64_MAX, INT64_MAX },
    { RT_GGUF_I64, 8, 0x8000000000000000u, false, true, 0, INT64_MIN },
    { RT_GGUF_I64, 8, UINT64_MAX, false, true, 0, -1 },
  };

  for (size_t k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (GByteArray) b = g_byte_array_new ();
      RtError error;
      uint64_t u = 0;
      int64_t i = 0;

      put_header (b, 3, 0, 1);
      put_key (b, "k", cases[k].type);
      put_bytes (b, &cases[k].raw, (size_t)cases[k].n_bytes);
      RtGguf *g = open_bytes (b, &error);
      g_assert_cmpint (rt_gguf_get_u64 (g, "k", &u), ==, cases[k].is_u64);
      g_assert_cmpint (rt_gguf_item_i64 (rt_gguf_find (g, "k"), 0, &i), ==, cases[k].is_i64);
      g_assert_cmpuint (u, ==, cases[k].u64);
      g_assert_cmpint (i, ==, cases[k].i64);
      rt_gguf_close (g);
    }
}

/* A file cut at any byte is refused: the last byte belongs to the last tensor. */
static void
test_truncated (void)
{
  g_autoptr (GByteArray) b = new_good_file (3);

  for (guint n = 0; n < b->len; n++)
    {
      RtError error = { 0 };
      /* A copy of its own size, so that AddressSanitizer sees a read past the end. */
      g_autofree uint8_t *copy = g_memdup2 (b->data, n ? n : 1);
      g_assert_null (rt_gguf_open_bytes (copy, n, &error));
      g_assert_cmpint (error.status, ==, RT_ERROR_FORMAT);
      g_assert_cmpint (error.message[0], !=, '\0');
    }
}

static void
test_bad_header (void)
{
  GByteArray *b = new_good_file (3);
  memcpy (b->data, "GGML", 4);
  assert_refused (b, RT_ERROR_FORMAT, "starts with 'GGML'");

  b = new_good_file (1);
  assert_refused (b, RT_ERROR_UNSUPPORTED, "version 1");
  b = new_good_file (4);
  assert_refused (b, RT_ERROR_UNSUPPORTED, "version 4");
  b = new_good_file (__builtin_bswap32 (3));
  assert_refused (b, RT_ERROR_UNSUPPORTED, "big-endian");

  b = g_byte_array_new ();
  put_header (b, 3, 0, UINT64_MAX);
  assert_refused (b, RT_ERROR_FORMAT, "18446744073709551615 metadata entries");
  b = g_byte_array_new ();
  put_header (b, 3, UINT64_MAX / 2, 0);
  assert_refused (b, RT_ERROR_FORMAT, "9223372036854775807 tensors");
}

static GByteArray *
new_file_with_key (const char *key, uint32_t type)
{
  GByteArray *b = g_byte_array_new ();

  put_header (b, 3, 0, 1);
  put_key (b, key, type);
  return b;
}

static void
test_bad_meta (void)
{
  GByteArray *b = new_file_with_key ("k", 13);
  put_u64 (b, 0);
  assert_refused (b, RT_ERROR_FORMAT, "metadata entry 0 'k' has value type 13");

  b = new_file_with_key ("k", RT_GGUF_BOOL);
  put_u8 (b, 2);
  assert_refused (b, RT_ERROR_FORMAT, "the value 2 instead of 0 or 1");

  b = new_file_with_key ("k", RT_GGUF_STRING);
  put_u64 (b, UINT64_MAX);
  assert_refused (b, RT_ERROR_FORMAT, "18446744073709551615 bytes");

  b = new_file_with_key ("k", RT_GGUF_ARRAY);
  put_u32 (b, RT_GGUF_U64);
  put_u64 (b, UINT64_MAX / 8 + 1); /* times 8 overflows to 0 */
  assert_refused (b, RT_ERROR_FORMAT, "announces 2305843009213693952 items");

  b = new_file_with_key ("k", RT_GGUF_ARRAY);
  put_u32 (b, RT_GGUF_STRING);
  put_u64 (b, UINT64_MAX);
  assert_refused (b, RT_ERROR_FORMAT, "ends too early");

  b = new_file_with_key ("k", RT_GGUF_ARRAY);
  put_u32 (b, 99);
  put_u64 (b, 0);
  assert_refused (b, RT_ERROR_FORMAT, "item type 99");

  b = new_file_with_key ("k", RT_GGUF_ARRAY);
  for (int i = 0; i < 100; i++)
    {
      put_u32 (b, RT_GGUF_ARRAY);
      put_u64 (b, 1);
    }
  assert_refused (b, RT_ERROR_UNSUPPORTED, "nested more than 4 deep");

  b = g_byte_array_new ();
  put_header (b, 3, 0, 3);
  for (int i = 0; i < 3; i++)
    {
      put_key (b, i == 1 ? "other" : "same", RT_GGUF_U8);
      put_u8 (b, 1);
    }
  assert_refused (b, RT_ERROR_FORMAT, "key 'same' is there twice, as entries 0 and 2");
}

static void
test_nested_array (void)
{
  g_autoptr (GByteArray) b = new_file_with_key ("k", RT_GGUF_ARRAY);
  RtError error;

  put_u32 (b, RT_GGUF_ARRAY);
  put_u64 (b, 2);
  for (int i = 0; i < 2; i++)
    {
      put_u32 (b, RT_GGUF_U8);
      put_u64 (b, 3);
      put_bytes (b, "abc", 3);
    }
  RtGguf *g = open_bytes (b, &error);
  const RtGgufMeta *k = rt_gguf_get_array (g, "k", RT_GGUF_ARRAY);
  g_assert_cmpuint (k->n_items, ==, 2);
  g_assert_cmpuint (k->bytes, ==, 2 * (4 + 8 + 3));
  rt_gguf_close (g);
}

static void
test_alignment (void)
{
  static const uint32_t bad[] = { 0, 1, 4, 24, UINT32_MAX };
  GByteArray *b;
  RtError error;

  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      b = new_file_with_key ("general.alignment", RT_GGUF_U32);
      put_u32 (b, bad[i]);
      assert_refused (b, RT_ERROR_FORMAT, "power of two");
    }
  b = new_file_with_key ("general.alignment", RT_GGUF_U64);
  put_u64 (b, 32);
  assert_refused (b, RT_ERROR_FORMAT, "general.alignment is a u64");

  b = g_byte_array_new ();
  put_header (b, 3, 1, 1);
  put_key (b, "general.alignment", RT_GGUF_U32);
  put_u32 (b, 4096);
  put_tensor_2d (b, "t", 1, 1, 0, 0);
  put_padding (b, 4096);
  put_f32 (b, 2.5f);
  RtGguf *g = open_bytes (b, &error);
  g_assert_cmpfloat (*(const float *)rt_gguf_tensor (g, 0)->data, ==, 2.5f);
  rt_gguf_close (g);
  g_byte_array_unref (b);
}

/* One tensor [ne0, ne1] of @dtype at @offset, with @n_data bytes of data. */
static GByteArray *
new_tensor_file (uint64_t ne0, uint64_t ne1, uint32_t dtype, uint64_t offset, size_t n_data)
{
  GByteArray *b = g_byte_array_new ();

  put_header (b, 3, 1, 0);
  put_tensor_2d (b, "t", ne0, ne1, dtype, offset);
  put_padding (b, 32);
  put_zeros (b, n_data);
  return b;
}

static void
test_bad_tensor (void)
{
  assert_refused (new_tensor_file (UINT64_MAX, 2, 0, 0, 64), RT_ERROR_FORMAT, "overflows");
  assert_refused (new_tensor_file (1ull << 32, 1ull << 32, 0, 0, 64), RT_ERROR_FORMAT, "overflows");
  assert_refused (new_tensor_file (1ull << 62, 1, 0, 0, 64), RT_ERROR_FORMAT,
                  "more bytes"); /* times 4 overflows to 0 */
  assert_refused (new_tensor_file (0, 5, 0, 0, 64), RT_ERROR_FORMAT, "dimension 0 is 0");
  assert_refused (new_tensor_file (33, 1, 8, 0, 64), RT_ERROR_FORMAT,
                  "rows of 33 values; Q8_0 needs a multiple of 32");
  assert_refused (new_tensor_file (16, 1, 0, 16, 96), RT_ERROR_FORMAT, "multiple of the alignment");
  assert_refused (new_tensor_file (16, 1, 0, 32, 95), RT_ERROR_FORMAT, "64 bytes at offset 32");
  assert_refused (new_tensor_file (1, 1, 0, UINT64_MAX - 31, 64), RT_ERROR_FORMAT, "cut short");
  assert_refused (new_tensor_file (1, 1, UINT32_MAX, 0, 64), RT_ERROR_FORMAT, "impossible type");

  GByteArray *b = g_byte_array_new ();
  put_header (b, 3, 1, 0);
  put_string (b, "t");
  put_u32 (b, 5);
  put_zeros (b, 64);
  assert_refused (b, RT_ERROR_FORMAT, "5 dimensions");

  b = g_byte_array_new ();
  put_header (b, 3, 2, 0);
  put_tensor_2d (b, "a", 16, 1, 0, 0); /* 64 bytes */
  put_tensor_2d (b, "b", 16, 1, 0, 32);
  put_padding (b, 32);
  put_zeros (b, 96);
  assert_refused (b, RT_ERROR_FORMAT, "'a' and 'b' overlap");

  b = g_byte_array_new ();
  put_header (b, 3, 2, 0);
  put_tensor_2d (b, "a", 1, 1, 0, 0);
  put_tensor_2d (b, "a", 1, 1, 0, 32);
  put_padding (b, 32);
  put_zeros (b, 64);
  assert_refused (b, RT_ERROR_FORMAT, "tensor 'a' is there twice");
}

/* Formats that this program cannot run are still listed, with their size where it is known. */
static void
test_other_dtypes (void)
{
  g_autoptr (GByteArray) b = new_tensor_file (256, 1, 17, 0, 74); /* IQ2_XS */
  g_autoptr (GByteArray) c = new_tensor_file (256, 1, 4, 0, 0);   /* Q4_2, removed */
  g_autoptr (GByteArray) d = new_tensor_file (256, 1, 777, 0, 0);
  RtError error;

  RtGguf *g = open_bytes (b, &error);
  g_assert_cmpuint (rt_gguf_tensor (g, 0)->bytes, ==, 74);
  g_assert_nonnull (rt_gguf_tensor (g, 0)->data);
  rt_gguf_close (g);

  g = open_bytes (c, &error);
  g_assert_null (rt_gguf_tensor (g, 0)->data);
  g_assert_cmpuint (rt_gguf_tensor (g, 0)->bytes, ==, 0);
  rt_gguf_close (g);

  g = open_bytes (d, &error);
  g_assert_null (rt_gguf_tensor (g, 0)->data);
  g_assert_cmpint (rt_gguf_tensor (g, 0)->dtype, ==, 777);
  rt_gguf_close (g);

  g_assert_cmpstr (rt_gguf_dtype_name (17), ==, "IQ2_XS");
  g_assert_cmpstr (rt_gguf_dtype_name (30), ==, "BF16");
  g_assert_cmpstr (rt_gguf_dtype_name (4), ==, "Q4_2");
  g_assert_cmpstr (rt_gguf_dtype_name (777), ==, "type 777");
  g_assert_cmpstr (rt_gguf_dtype_name (-1), ==, "type -1");
  g_assert_cmpuint (rt_gguf_dtype_bytes (2, 64), ==, 36);
  g_assert_cmpuint (rt_gguf_dtype_bytes (2, 33), ==, 0);
  g_assert_cmpuint (rt_gguf_dtype_bytes (28, UINT64_MAX), ==, 0);
}

/* Every type that has kernels has the size that the kernels use. */
static void
test_dtypes_agree (void)
{
  int n_known = 0;

  for (int dtype = 0; dtype < 64; dtype++)
    {
      const KnDtypeInfo *info = kn_dtype_info (dtype);
      if (!info)
        continue;
      n_known++;
      g_assert_cmpstr (rt_gguf_dtype_name (dtype), ==, info->name);
      g_assert_cmpuint (rt_gguf_dtype_block_len (dtype), ==, info->block_len);
      g_assert_cmpuint (rt_gguf_dtype_bytes (dtype, info->block_len), ==, info->block_bytes);
    }
  g_assert_cmpint (n_known, >=, 8);
}

static void
test_files (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lathe-gguf-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "x.gguf", NULL);
  g_autoptr (GByteArray) b = new_good_file (3);
  RtError error = { 0 };

  g_assert_null (rt_gguf_open (path, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_IO);
  g_assert_true (g_str_has_prefix (error.message, path));

  g_assert_null (rt_gguf_open (folder, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_IO);
  g_assert_nonnull (strstr (error.message, "a folder"));
  g_assert_null (rt_gguf_open (folder, NULL)); /* no error wanted */

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  g_assert_null (rt_gguf_open (path, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_FORMAT);
  g_assert_nonnull (strstr (error.message, "empty"));

  g_assert_true (g_file_set_contents (path, (char *)b->data, b->len, NULL));
  RtGguf *g = rt_gguf_open (path, &error);
  g_assert_nonnull (g);
  const RtGgufTensor *t = rt_gguf_find_tensor (g, "second");
  rt_gguf_forget_tensor (g, t);
  g_assert_cmpfloat (((const float *)t->data)[5], ==, 5.0f); /* comes back */
  rt_gguf_close (g);
  g_remove (path);
  g_rmdir (folder);
}

static void
test_show (void)
{
  static const struct
  {
    const char *in;
    size_t n;
    size_t room;
    const char *out;
  } cases[] = {
    { "plain", 5, 32, "plain" },
    { "", 0, 32, "" },
    { "a\0b\n", 4, 32, "a\\x00b\\x0a" },
    { "\xe2\x96\x81the", 6, 32, "\xe2\x96\x81the" },
    { "\xe2\x96", 2, 32, "\\xe2\\x96" },          /* cut sequence */
    { "\xc0\xaf", 2, 32, "\\xc0\\xaf" },          /* overlong */
    { "\xed\xa0\x80", 3, 32, "\\xed\\xa0\\x80" }, /* surrogate */
    { "\xc2\x85", 2, 32, "\\xc2\\x85" },          /* C1 control */
    { "12345678", 8, 9, "12345678" },
    { "123456789", 9, 9, "12345..." },
    { "abc", 3, 3, ".." },
    { "abc", 3, 1, "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      char buffer[64];
      memset (buffer, '#', sizeof buffer);
      g_assert_cmpstr (rt_slice_show ((RtSlice){ cases[i].in, cases[i].n }, buffer, cases[i].room),
                       ==, cases[i].out);
      g_assert_cmpint (buffer[cases[i].room], ==, '#');
    }
}

static void
test_error (void)
{
  RtError error = { 0 };
  char text[600];

  g_assert_false (rt_fail (&error, RT_ERROR_RANGE, "%d of %s", 3, "four"));
  g_assert_cmpstr (error.message, ==, "3 of four");
  g_assert_cmpint (error.status, ==, RT_ERROR_RANGE);
  g_assert_false (rt_fail_prefix (&error, "layer %d", 7));
  g_assert_cmpstr (error.message, ==, "layer 7: 3 of four");
  g_assert_false (rt_fail (&error, RT_ERROR_IO, "again: %s", error.message));
  g_assert_cmpstr (error.message, ==, "again: layer 7: 3 of four");
  g_assert_false (rt_fail (NULL, RT_ERROR_IO, "nobody listens"));
  g_assert_false (rt_fail_prefix (NULL, "nobody"));

  /* Too long: cut, and never inside a character. */
  for (size_t i = 0; i + 2 < sizeof text; i += 3)
    memcpy (text + i, "\xe2\x96\x81", 3);
  text[sizeof text - 1] = '\0';
  for (int shift = 0; shift < 4; shift++)
    {
      rt_fail (&error, RT_ERROR_IO, "%.*s%s", shift, "....", text);
      g_assert_true (g_utf8_validate (error.message, -1, NULL));
      g_assert_cmpuint (strlen (error.message), >, 470);
      rt_fail_prefix (&error, "%.*s", shift, "....");
      g_assert_true (g_utf8_validate (error.message, -1, NULL));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/gguf/read/v2", GUINT_TO_POINTER (2), test_read);
  g_test_add_data_func ("/gguf/read/v3", GUINT_TO_POINTER (3), test_read);
  g_test_add_func ("/gguf/values", test_values);
  g_test_add_func ("/gguf/integers", test_integers);
  g_test_add_func ("/gguf/nested-array", test_nested_array);
  g_test_add_func ("/gguf/alignment", test_alignment);
  g_test_add_func ("/gguf/other-dtypes", test_other_dtypes);
  g_test_add_func ("/gguf/dtypes-agree-with-kernels", test_dtypes_agree);
  g_test_add_func ("/gguf/bad/truncated", test_truncated);
  g_test_add_func ("/gguf/bad/header", test_bad_header);
  g_test_add_func ("/gguf/bad/meta", test_bad_meta);
  g_test_add_func ("/gguf/bad/tensor", test_bad_tensor);
  g_test_add_func ("/gguf/files", test_files);
  g_test_add_func ("/gguf/show", test_show);
  g_test_add_func ("/error", test_error);
  return g_test_run ();
}
