/* Packed weights and the cache: what is packed comes back, conversions, errors that say what to do,
 * cancelling, references. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "kn-matmul.h"
#include "kn-quant.h"
#include "rt-kv.h"
#include "rt-weight.h"

static const KnDtype formats[] = { KN_F32,  KN_F16,  KN_BF16, KN_Q8_0, KN_Q4_0, KN_Q4_1, KN_Q5_0,
                                   KN_Q5_1, KN_Q4_K, KN_Q5_K, KN_Q6_K, KN_W8A8, KN_W4A8 };

/* [n_rows, n_cols] random values in @dtype. */
static void *
random_rows (KnDtype dtype, size_t n_rows, size_t n_cols, size_t *n_bytes)
{
  g_autofree float *row = g_new (float, n_cols);
  size_t row_bytes = kn_row_bytes (dtype, n_cols);
  uint8_t *rows = g_malloc (n_rows * row_bytes);

  for (size_t r = 0; r < n_rows; r++)
    {
      for (size_t c = 0; c < n_cols; c++)
        row[c] = (float)g_test_rand_double_range (-2, 2);
      kn_quantize_row (dtype, row, rows + r * row_bytes, n_cols);
    }
  *n_bytes = n_rows * row_bytes;
  return rows;
}

/* Every row of @weight is @rows, through @dtype when that is not the source's format. */
static void
assert_rows (const RtWeight *weight, KnDtype src_dtype, const uint8_t *rows)
{
  size_t n_cols = rt_weight_n_cols (weight), row_bytes = kn_row_bytes (src_dtype, n_cols);
  KnDtype dtype = rt_weight_dtype (weight);
  g_autofree float *expected = g_new (float, n_cols);
  g_autofree float *got = g_new (float, n_cols);
  g_autofree void *converted = g_malloc (kn_row_bytes (dtype, n_cols));

  for (size_t r = 0; r < rt_weight_n_rows (weight); r++)
    {
      kn_unpack_row (dtype, rt_weight_panel (weight, r / KN_PANEL_ROWS), r % KN_PANEL_ROWS, n_cols,
                     got);
      kn_dequantize_row (src_dtype, rows + r * row_bytes, expected, n_cols);
      if (dtype != src_dtype)
        {
          kn_quantize_row (dtype, expected, converted, n_cols);
          kn_dequantize_row (dtype, converted, expected, n_cols);
        }
      g_assert_cmpmem (got, n_cols * 4, expected, n_cols * 4);
    }
}

static void
test_round_trip (void)
{
  RtPool *pool = rt_pool_new (3, NULL);

  for (size_t from = 0; from < G_N_ELEMENTS (formats); from++)
    for (size_t to = 0; to < G_N_ELEMENTS (formats); to++)
      {
        static const size_t n_rows[] = { 1, 16, 23, 70 };
        size_t n_bytes, n = n_rows[(from + to) % 4];
        g_autofree void *rows = random_rows (formats[from], n, 256, &n_bytes);
        RtError error = { 0 };
        RtWeight *weight = rt_weight_pack (formats[to], formats[from], rows, n_bytes, n, 256,
                                           to % 2 ? pool : NULL, NULL, &error);
        g_assert_cmpstr (error.message, ==, "");
        assert_rows (weight, formats[from], rows);
        g_assert_cmpuint (rt_weight_bytes (weight), ==,
                          rt_weight_packed_bytes (formats[to], n, 256));
        rt_weight_unref (weight);
      }
  rt_pool_free (pool);
}

/* The same bytes whatever the number of threads. */
static void
test_large (void)
{
  size_t n_bytes;
  g_autofree void *rows = random_rows (KN_F32, 5000, 512, &n_bytes);
  RtPool *pool = rt_pool_new (4, NULL);
  RtWeight *a = rt_weight_pack (KN_Q8_0, KN_F32, rows, n_bytes, 5000, 512, NULL, NULL, NULL);
  RtWeight *b = rt_weight_pack (KN_Q8_0, KN_F32, rows, n_bytes, 5000, 512, pool, NULL, NULL);

  g_assert_cmpuint ((uintptr_t)rt_weight_panels (a) % KN_ALIGN, ==, 0);
  g_assert_cmpmem (rt_weight_panels (a), rt_weight_bytes (a), rt_weight_panels (b),
                   rt_weight_bytes (b));
  rt_weight_unref (a);
  rt_weight_unref (b);
  rt_pool_free (pool);
}

/* Sparse formats: rows come back, bytes do not depend on threads, each stored code and mask is
 * counted by the bytes; what does not fit the pattern is refused. */
static void
test_sparse (void)
{
  static const KnDtype sparse[] = { KN_Q8_SPARSE, KN_Q8_2_4, KN_Q8_4_8, KN_Q4_SPARSE };
  const size_t n_rows = 200, n_cols = 320;
  g_autofree float *dense = g_new (float, n_rows *n_cols);
  g_autofree float *half = g_new (float, n_rows *n_cols);
  RtPool *pool = rt_pool_new (3, NULL);
  RtError error = { 0 };

  for (size_t i = 0; i < n_rows * n_cols; i++)
    {
      dense[i] = (float)g_test_rand_double_range (1, 2) * (g_test_rand_bit () ? 1 : -1);
      half[i] = (i + i / n_cols) % 4 < 2 ? dense[i] : 0;
    }
  for (size_t k = 0; k < G_N_ELEMENTS (sparse); k++)
    {
      RtWeight *a = rt_weight_pack (sparse[k], KN_F32, half, n_rows * n_cols * 4, n_rows, n_cols,
                                    NULL, NULL, &error);
      g_assert_cmpstr (error.message, ==, "");
      RtWeight *b = rt_weight_pack (sparse[k], KN_F32, half, n_rows * n_cols * 4, n_rows, n_cols,
                                    pool, NULL, &error);
      assert_rows (a, KN_F32, (const uint8_t *)half);
      g_assert_cmpmem (rt_weight_panels (a), rt_weight_bytes (a), rt_weight_panels (b),
                       rt_weight_bytes (b));
      g_assert_nonnull (rt_weight_offsets (a));
      /* 13 panels of 80 lines: scales, masks, half of the codes, and what is read beyond. */
      size_t codes = sparse[k] == KN_Q4_SPARSE ? 16 : 32;
      size_t panel = (5 * 64 + 80 * (8 + codes) + 64 + 63) / 64 * 64;
      /* The last panel has 8 rows; patterned formats store its padding. */
      size_t last = k == 1 || k == 2 ? panel : (5 * 64 + 80 * (8 + codes / 2) + 64 + 63) / 64 * 64;
      g_assert_cmpuint (rt_weight_bytes (a), ==, 12 * panel + last);
      g_assert_cmpuint (rt_weight_bytes (a), <=,
                        rt_weight_packed_bytes (sparse[k], n_rows, n_cols));
      rt_weight_unref (a);
      rt_weight_unref (b);
    }
  g_assert_null (rt_weight_pack (KN_Q8_2_4, KN_F32, dense, n_rows * n_cols * 4, n_rows, n_cols,
                                 NULL, NULL, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_FORMAT);
  g_assert_nonnull (strstr (error.message, "Q8_2_4"));
  rt_pool_free (pool);
}

static void
assert_fails (int dtype, int src_dtype, uint64_t n_bytes, uint64_t n_rows, uint64_t n_cols,
              RtStatus status, const char *text)
{
  static const uint8_t bytes[65536];
  RtError error = { 0 };

  g_assert_null (
      rt_weight_pack (dtype, src_dtype, bytes, n_bytes, n_rows, n_cols, NULL, NULL, &error));
  g_assert_cmpint (error.status, ==, status);
  if (strstr (error.message, text) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error.message, text);
}

static void
test_errors (void)
{
  /* The feed-forward rows of stories260K. */
  assert_fails (KN_Q4_0, KN_F32, 64 * 172 * 4, 64, 172, RT_ERROR_UNSUPPORTED, "multiple of 32");
  assert_fails (KN_Q4_K, KN_F32, 4 * 288 * 4, 4, 288, RT_ERROR_UNSUPPORTED, "multiple of 256");
  assert_fails (19, KN_F32, 128, 1, 32, RT_ERROR_UNSUPPORTED, "type 19");
  assert_fails (KN_F32, -3, 128, 1, 32, RT_ERROR_UNSUPPORTED, "type -3");
  assert_fails (KN_F32, KN_F32, 127, 1, 32, RT_ERROR_FORMAT, "127 bytes");
  assert_fails (KN_F32, KN_F32, 0, 0, 32, RT_ERROR_FORMAT, "0 x 32");
  assert_fails (KN_F32, KN_F32, 0, 1ull << 40, 1ull << 40, RT_ERROR_FORMAT, "cannot be packed");
  assert_fails (KN_F16, KN_Q8_0, 100, 1, 40, RT_ERROR_FORMAT, "Q8_0");
}

static void
test_cancel (void)
{
  size_t n_bytes;
  g_autofree void *rows = random_rows (KN_F32, 64, 64, &n_bytes);
  RtPool *pool = rt_pool_new (2, NULL);
  atomic_int cancel = 1;
  RtError error = { 0 };

  g_assert_null (rt_weight_pack (KN_F16, KN_F32, rows, n_bytes, 64, 64, pool, &cancel, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_CANCELLED);
  cancel = 0;
  RtWeight *weight = rt_weight_pack (KN_F16, KN_F32, rows, n_bytes, 64, 64, pool, &cancel, &error);
  g_assert_nonnull (weight);
  g_assert_true (rt_weight_ref (weight) == weight);
  rt_weight_unref (weight);
  assert_rows (weight, KN_F32, rows);
  rt_weight_unref (weight);
  rt_weight_unref (NULL);
  rt_pool_free (pool);
}

/* Many weights made and dropped in a random order keep their own bytes. */
static void
test_many (void)
{
  enum
  {
    N = 40
  };
  RtWeight *weights[N] = { 0 };
  void *rows[N] = { 0 };

  for (int i = 0; i < 400; i++)
    {
      int k = g_test_rand_int_range (0, N);
      if (weights[k] != NULL)
        {
          assert_rows (weights[k], KN_F32, rows[k]);
          rt_weight_unref (weights[k]);
          g_free (rows[k]);
          weights[k] = NULL;
          continue;
        }
      size_t n_bytes, n_rows = (size_t)g_test_rand_int_range (1, 3000);
      rows[k] = random_rows (KN_F32, n_rows, 16, &n_bytes);
      weights[k] = rt_weight_pack (KN_F32, KN_F32, rows[k], n_bytes, n_rows, 16, NULL, NULL, NULL);
    }
  for (int k = 0; k < N; k++)
    if (weights[k] != NULL)
      {
        assert_rows (weights[k], KN_F32, rows[k]);
        rt_weight_unref (weights[k]);
        g_free (rows[k]);
      }
}

/* A number of its own for every head's keys and values in every chunk. */
static int
kv_mark (uint32_t layer, uint32_t head, uint32_t chunk, int values)
{
  return (int)(chunk * 12 + layer * 4 + head * 2 + 1) + values;
}

static void
test_kv (void)
{
  RtError error = { 0 };
  RtKv *kv = rt_kv_new (KN_F16, 3, 2, 64, 300, &error);
  static const size_t chunk_bytes[] = { 128 * 64 * 2, 128 * 64 * 2, 48 * 64 * 2 };

  g_assert_cmpuint (rt_kv_capacity (kv), ==, 304);
  g_assert_cmpuint (rt_kv_bytes_per_position (kv), ==, 3 * 2 * 2 * 64 * 2);
  g_assert_cmpuint (rt_kv_bytes (kv), ==, 304 * rt_kv_bytes_per_position (kv));
  g_assert_cmpuint (rt_kv_bytes (kv), ==, rt_kv_plan_bytes (KN_F16, 3, 2, 64, 300));

  /* Heads do not overlap, and are aligned. */
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t layer = 0; layer < 3; layer++)
      for (uint32_t head = 0; head < 2; head++)
        for (uint32_t chunk = 0; chunk < 3; chunk++)
          for (int values = 0; values < 2; values++)
            {
              uint8_t *memory
                  = values ? rt_kv_v (kv, layer, head, chunk) : rt_kv_k (kv, layer, head, chunk);
              int mark = kv_mark (layer, head, chunk, values);
              g_assert_cmpuint ((uintptr_t)memory % KN_ALIGN, ==, 0);
              if (pass == 0)
                memset (memory, mark, chunk_bytes[chunk]);
              for (size_t i = 0; i < chunk_bytes[chunk]; i++)
                g_assert_cmpuint (memory[i], ==, mark);
            }
  rt_kv_set_n_used (kv, 50);
  g_assert_cmpuint (rt_kv_n_used (kv), ==, 50);
  rt_kv_set_n_used (kv, 1000);
  g_assert_cmpuint (rt_kv_n_used (kv), ==, 304);
  rt_kv_free (kv);
  rt_kv_free (NULL);

  g_assert_null (rt_kv_new (KN_Q8_0, 1, 1, 40, 100, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_UNSUPPORTED);
  g_assert_null (rt_kv_new (KN_F32, UINT32_MAX, UINT32_MAX, 1024, INT32_MAX, &error));
  g_assert_null (rt_kv_new (KN_F32, 64, 64, 1024, INT32_MAX, &error));
  g_assert_cmpint (error.status, ==, RT_ERROR_MEMORY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/weight/round-trip", test_round_trip);
  g_test_add_func ("/weight/large", test_large);
  g_test_add_func ("/weight/sparse", test_sparse);
  g_test_add_func ("/weight/errors", test_errors);
  g_test_add_func ("/weight/cancel", test_cancel);
  g_test_add_func ("/weight/many", test_many);
  g_test_add_func ("/kv/memory", test_kv);
  return g_test_run ();
}
