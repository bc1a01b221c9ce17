/* The inverse factor of second moments. With the channels in reverse order H = L L^T gives
 * U = J L^-1 J, so one Cholesky factor and one triangular inverse are enough:
 *
 *     H^-1 = (R R^T)^-1 = R^-T R^-1,  R = J L J upper triangular,  U = R^-1
 *
 * Both go in blocks of 64: a block on the diagonal in double, everything else by the float product
 * kernels. Called by rounding and by pruning with compensation; knows nothing of models. */
#include <math.h>
#include <string.h>

#include "eng-rounding.h"
#include "kn-matmul.h"
#include "kn-table.h"

#define B 64

typedef struct
{
  gsize n, N;      /* channels; rounded up to B, with ones on the diagonal */
  float *a;        /* [N][N] lower triangle: H reversed, then L */
  float *t;        /* [N][N] upper triangle: L^-T */
  float *inverses; /* [N / B][B][B] of the diagonal blocks of L, lower */
  guint8 *panels;  /* B columns deep and N rows, or N columns deep and B rows */
  RtPool *pool;

  gsize k;           /* block in work */
  gsize panel_bytes; /* of what is packed now */
} Factor;

/* ---- one block on the diagonal ---- */

/* FALSE: not positive definite to the precision at hand. */
static gboolean
factor_block (Factor *self, gsize k)
{
  double l[B][B];
  float *inverse = self->inverses + k * B * B;

  for (gsize i = 0; i < B; i++)
    for (gsize j = 0; j <= i; j++)
      {
        double sum = (double)self->a[(k * B + i) * self->N + k * B + j];
        double was = sum;
        for (gsize c = 0; c < j; c++)
          sum -= l[i][c] * l[j][c];
        if (i == j && !(sum > was * 1e-7 && isfinite (sum)))
          return FALSE;
        l[i][j] = i == j ? sqrt (sum) : sum / l[j][j];
      }
  memset (inverse, 0, B * B * sizeof *inverse);
  for (gsize j = 0; j < B; j++)
    {
      double column[B];
      for (gsize i = j; i < B; i++)
        {
          double sum = i == j ? 1 : 0;
          for (gsize c = j; c < i; c++)
            sum -= l[i][c] * column[c];
          column[i] = sum / l[i][i];
          inverse[i * B + j] = (float)column[i];
        }
    }
  for (gsize i = 0; i < B; i++)
    for (gsize j = 0; j <= i; j++)
      self->a[(k * B + i) * self->N + k * B + j] = (float)l[i][j];
  return TRUE;
}

/* ---- products ---- */

/* y [n_x][n_w] = x w^T, on this thread. @panels: the w's, @depth columns. */
static void
product (const float *x, gsize x_stride, gsize n_x, const guint8 *panels, gsize n_w, gsize depth,
         float *y)
{
  gsize n_scratch = MAX (KN_ALIGN, kn_matmul_scratch_bytes (KN_F32, depth));
  gpointer scratch = g_aligned_alloc (1, n_scratch, KN_ALIGN);
  KnMatmulArgs args = { .n_cols = depth,
                        .n_rows = n_w,
                        .n_tokens = n_x,
                        .panels = panels,
                        .x = x,
                        .x_stride = x_stride * sizeof (float),
                        .y = y,
                        .y_stride = n_w,
                        .scratch = scratch };
  kn_table ()->matmul.f32 (&args);
  g_aligned_free (scratch);
}

static void
pack (Factor *self, const float *rows, gsize stride, gsize n_rows, gsize depth)
{
  self->panel_bytes = kn_panel_bytes (KN_F32, depth);
  for (gsize r = 0; r < n_rows; r += KN_PANEL_ROWS)
    kn_pack_panel (KN_F32, rows + r * stride, stride * sizeof (float),
                   MIN (KN_PANEL_ROWS, n_rows - r), depth,
                   self->panels + r / KN_PANEL_ROWS * self->panel_bytes);
}

static void
run (Factor *self, gsize n_chunks, void (*chunk) (const RtWorker *, void *, uint32_t, uint32_t))
{
  RtJob job = { .n_phases = 1, .n_chunks = (uint32_t)n_chunks, .chunk = chunk, .data = self };
  if (n_chunks > 0)
    rt_pool_run (self->pool, &job);
}

/* ---- L ---- */

/* L_ik = A_ik L_kk^-T for one block of rows below k. */
static void
solve_rows (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  Factor *self = data;
  float *rows = self->a + (self->k + 1 + chunk) * B * self->N + self->k * B;
  float y[B * B];

  product (rows, self->N, B, self->panels, B, B, y);
  for (gsize i = 0; i < B; i++)
    memcpy (rows + i * self->N, y + i * B, B * sizeof (float));
}

/* A_ij -= L_ik L_jk^T for one block of rows i and all j up to it; the last and longest first. */
static void
update_rows (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  Factor *self = data;
  gsize i = self->N / B - 1 - chunk, first = self->k + 1, n = (i - first + 1) * B;
  float *rows = self->a + i * B * self->N;
  g_autofree float *y = g_new (float, B *n);

  product (rows + self->k * B, self->N, B, self->panels, n, B, y);
  for (gsize r = 0; r < B; r++)
    for (gsize c = 0; c < n; c++)
      rows[r * self->N + first * B + c] -= y[r * n + c];
}

static gboolean
cholesky (Factor *self, const atomic_int *cancel)
{
  gsize n_blocks = self->N / B;

  for (gsize k = 0; k < n_blocks; k++)
    {
      gsize left = n_blocks - k - 1;
      if ((cancel != NULL && atomic_load ((atomic_int *)cancel)) || !factor_block (self, k))
        return FALSE;
      self->k = k;
      pack (self, self->inverses + k * B * B, B, B, B);
      run (self, left, solve_rows);
      if (left > 0)
        pack (self, self->a + (k + 1) * B * self->N + k * B, self->N, left * B, B);
      run (self, left, update_rows);
    }
  return TRUE;
}

/* ---- its inverse, transposed: T = L^-T, upper triangular, block column after block column ---- */

/* T_rk = -(T_r. L_k.^T) L_kk^-T for one block of rows r above k. */
static void
invert_rows (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  Factor *self = data;
  float *rows = self->t + (gsize)chunk * B * self->N;
  gsize depth = self->k * B;
  g_autofree float *unaligned = g_new (float, B *B + KN_ALIGN);
  float *y = (float *)(((guintptr)unaligned + KN_ALIGN - 1) & ~(guintptr)(KN_ALIGN - 1));
  const float *inverse = self->inverses + self->k * B * B;

  product (rows, self->N, B, self->panels, B, depth, y);
  for (gsize r = 0; r < B; r++)
    for (gsize i = 0; i < B; i++)
      {
        float sum = 0;
        for (gsize c = 0; c <= i; c++)
          sum += y[r * B + c] * inverse[i * B + c];
        rows[r * self->N + depth + i] = -sum;
      }
}

static void
invert (Factor *self)
{
  for (gsize k = 0; k < self->N / B; k++)
    {
      const float *inverse = self->inverses + k * B * B;
      for (gsize i = 0; i < B; i++)
        for (gsize j = 0; j <= i; j++)
          self->t[(k * B + j) * self->N + k * B + i] = inverse[i * B + j];
      self->k = k;
      if (k > 0)
        pack (self, self->a + k * B * self->N, self->N, B, k * B);
      run (self, k, invert_rows);
    }
}

/* ---- all of it ---- */

static double
mean_diagonal (const float *moments, gsize n)
{
  double sum = 0;
  for (gsize i = 0; i < n; i++)
    sum += (double)moments[i * n + i];
  return n > 0 ? sum / (double)n : 0;
}

/* Reversed, divided by the mean of the diagonal: so that a factor exists does not depend on
 * units. */
static void
fill (Factor *self, const float *moments, double mean, double damping)
{
  gsize n = self->n;

  memset (self->a, 0, self->N * self->N * sizeof *self->a);
  memset (self->t, 0, self->N * self->N * sizeof *self->t);
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j <= i; j++)
      {
        double h = (double)moments[(n - 1 - i) * n + n - 1 - j] / mean;
        if (i == j)
          h = h > 0 ? h + damping : 1;
        self->a[i * self->N + j] = (float)h;
      }
  for (gsize i = n; i < self->N; i++)
    self->a[i * self->N + i] = 1;
}

float *
eng_inverse_factor_new (const float *moments, gsize n, double damping, RtPool *pool,
                        const atomic_int *cancel, double *used)
{
  g_return_val_if_fail (moments != NULL && n > 0 && damping > 0, NULL);

  gsize N = (n + B - 1) / B * B;
  double mean = mean_diagonal (moments, n);
  Factor self = { .n = n, .N = N, .pool = pool };
  float *factor = NULL;
  gboolean ok = FALSE;

  self.a = g_aligned_alloc (N * N, sizeof (float), KN_ALIGN);
  self.t = g_aligned_alloc (N * N, sizeof (float), KN_ALIGN);
  self.inverses = g_aligned_alloc (N * B, sizeof (float), KN_ALIGN);
  self.panels = g_aligned_alloc (N * B, sizeof (float), KN_ALIGN);
  mean = mean > 0 && isfinite (mean) ? mean : 1;
  /* With the damping at the size of the moments themselves the factor always exists. */
  for (; !ok && !(cancel != NULL && atomic_load ((atomic_int *)cancel)); damping *= ok ? 1 : 10)
    {
      fill (&self, moments, mean, damping);
      ok = cholesky (&self, cancel);
      if (ok && used != NULL)
        *used = damping;
    }
  if (ok)
    {
      float unit = (float)(1 / sqrt (mean));
      invert (&self);
      factor = g_new0 (float, n *n);
      for (gsize i = 0; i < n; i++)
        for (gsize j = i; j < n; j++)
          factor[i * n + j] = self.t[(n - 1 - j) * N + n - 1 - i] * unit;
    }
  g_aligned_free (self.a);
  g_aligned_free (self.t);
  g_aligned_free (self.inverses);
  g_aligned_free (self.panels);
  return factor;
}
