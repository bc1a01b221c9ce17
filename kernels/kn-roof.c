/* The roof streams in portable C with the compiler's generic vectors, and the choice of the variant
 * for the level in use. Called by the measurement of a machine's roofs. Knows nothing of clocks:
 * the caller takes the time. */
#include "kn-roof.h"
#include "kn-roof-private.h"

#include "kn-table.h"

#include <pthread.h>
#include <string.h>

typedef float Floats __attribute__ ((vector_size (16)));
typedef uint64_t Words __attribute__ ((vector_size (16)));
typedef uint16_t Shorts __attribute__ ((vector_size (16)));

#define N_CHAINS 8 /* independent sums: covers the latency of an addition */

static uint64_t
read_c (const void *buffer, size_t bytes, size_t n_passes)
{
  const uint8_t *at = buffer;
  Words sum[4] = { 0 };

  for (size_t pass = 0; pass < n_passes; pass++)
    {
      for (size_t i = 0; i < bytes; i += 64)
        for (int j = 0; j < 4; j++)
          {
            Words w;

            memcpy (&w, at + i + 16 * j, sizeof w);
            sum[j] ^= w;
          }
      __asm__ volatile("" ::: "memory"); /* a pass is not the one before: nothing is kept */
    }
  sum[0] ^= sum[1] ^ sum[2] ^ sum[3];
  return sum[0][0] ^ sum[0][1];
}

/* Values stay near 1: a = a * (1 - 2^-10) + 2^-10. Whether the compiler may fuse is the
 * architecture's business; the two operations count the same. */
static float
fma_f32_c (size_t n_iterations, uint64_t *n_flops)
{
  const Floats b = { 1 - 0x1p-10f, 1 - 0x1p-10f, 1 - 0x1p-10f, 1 - 0x1p-10f };
  const Floats c = { 0x1p-10f, 0x1p-10f, 0x1p-10f, 0x1p-10f };
  Floats a[N_CHAINS];
  float result = 0;

  for (int j = 0; j < N_CHAINS; j++)
    a[j] = (Floats){ (float)j, 1, 2, 3 };
  for (size_t i = 0; i < n_iterations; i++)
    for (int j = 0; j < N_CHAINS; j++)
#ifdef __ARM_FEATURE_FMA
      for (int lane = 0; lane < 4; lane++)
        a[j][lane] = __builtin_fmaf (a[j][lane], b[lane], c[lane]);
#else
      a[j] = a[j] * b + c;
#endif
  for (int j = 0; j < N_CHAINS; j++)
    result += a[j][0] + a[j][1] + a[j][2] + a[j][3];
  *n_flops = (uint64_t)n_iterations * N_CHAINS * 4 * 2;
  return result;
}

/* 8-bit values as the widest multiply-and-add without a dot product instruction sees them: widened
 * to 16 bits. */
static int32_t
dot_i8_c (size_t n_iterations, uint64_t *n_ops)
{
  Shorts w[N_CHAINS];
  Shorts sum[N_CHAINS] = { 0 };
  int32_t result = 0;

  for (int j = 0; j < N_CHAINS; j++)
    w[j] = (Shorts){ 1, 2, 3, 4, 5, 6, 7, (uint16_t)(n_iterations + (size_t)j) };
  for (size_t i = 0; i < n_iterations; i++)
    for (int j = 0; j < N_CHAINS; j++)
      {
        sum[j] += w[j] * w[(j + 1) % N_CHAINS];
        __asm__ volatile("" : "+m"(w[j]));
      }
  for (int j = 0; j < N_CHAINS; j++)
    for (int lane = 0; lane < 8; lane++)
      result += (int16_t)sum[j][lane];
  *n_ops = (uint64_t)n_iterations * N_CHAINS * 8 * 2;
  return result;
}

static KnRoofFamily roof = { read_c, fma_f32_c, dot_i8_c };
static pthread_once_t roof_once = PTHREAD_ONCE_INIT;

static void
choose (void)
{
#if defined(__x86_64__)
  KnLevel level = kn_table ()->level;

  if (level == KN_LEVEL_AVX2 || level == KN_LEVEL_AVX512)
    kn_roof_avx2 (&roof);
  if (level == KN_LEVEL_AVX512)
    kn_roof_avx512 (&roof);
#endif
}

uint64_t
kn_roof_read (const void *buffer, size_t bytes, size_t n_passes)
{
  pthread_once (&roof_once, choose);
  return roof.read (buffer, bytes, n_passes);
}

float
kn_roof_fma_f32 (size_t n_iterations, uint64_t *n_flops)
{
  pthread_once (&roof_once, choose);
  return roof.fma_f32 (n_iterations, n_flops);
}

int32_t
kn_roof_dot_i8 (size_t n_iterations, uint64_t *n_ops)
{
  pthread_once (&roof_once, choose);
  return roof.dot_i8 (n_iterations, n_ops);
}
