/* Sounds from files, through libsndfile, and the change of rate. Called by eng-input.c and the
 * tasks; knows nothing of networks. */
#include "eng-sound.h"

#include <math.h>
#include <sndfile.h>
#include <string.h>

#include "eng-error.h"

#define MAX_CHANNELS 64
#define FRAMES_AT_ONCE 4096

/* The resampling filter: see the header. */
#define ZERO_CROSSINGS 16
#define KAISER_BETA 9.0
#define ROLL_OFF 0.945 /* where the pass band ends, in shares of the lower Nyquist rate */
#define MAX_TABLE_VALUES (1u << 23)

struct _EngSound
{
  gatomicrefcount ref_count;
  guint rate;
  gsize n_samples;
  float *samples;
};

G_DEFINE_BOXED_TYPE (EngSound, eng_sound, eng_sound_ref, eng_sound_unref)

EngSound *
eng_sound_new (guint rate_hz, gsize n_samples)
{
  g_return_val_if_fail (rate_hz > 0 && n_samples <= ENG_SOUND_MAX_FRAMES, NULL);

  EngSound *sound = g_new0 (EngSound, 1);
  g_atomic_ref_count_init (&sound->ref_count);
  sound->rate = rate_hz;
  sound->n_samples = n_samples;
  sound->samples = g_new0 (float, MAX (n_samples, 1));
  return sound;
}

EngSound *
eng_sound_ref (EngSound *sound)
{
  g_atomic_ref_count_inc (&sound->ref_count);
  return sound;
}

void
eng_sound_unref (EngSound *sound)
{
  if (!g_atomic_ref_count_dec (&sound->ref_count))
    return;
  g_free (sound->samples);
  g_free (sound);
}

/* ---- Reading ---- */

static EngSound *
read_all (SNDFILE *file, const SF_INFO *info, const char *name, GError **error)
{
  if (info->channels < 1 || info->channels > MAX_CHANNELS || info->samplerate < 1
      || info->frames < 0 || info->frames > ENG_SOUND_MAX_FRAMES)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s says that it holds %" G_GINT64_FORMAT
                   " frames of %d channels at %d Hz; at most %d frames of %d channels are read",
                   name, (gint64)info->frames, info->channels, info->samplerate,
                   ENG_SOUND_MAX_FRAMES, MAX_CHANNELS);
      return NULL;
    }

  guint n_channels = (guint)info->channels;
  g_autoptr (EngSound) sound = eng_sound_new ((guint)info->samplerate, (gsize)info->frames);
  g_autofree float *buffer = g_new (float, FRAMES_AT_ONCE *n_channels);
  gsize done = 0;
  while (done < sound->n_samples)
    {
      gsize want = MIN (FRAMES_AT_ONCE, sound->n_samples - done);
      sf_count_t n = sf_readf_float (file, buffer, (sf_count_t)want);
      if (n <= 0)
        break;
      for (gsize i = 0; i < (gsize)n; i++)
        {
          float sum = 0;
          for (guint c = 0; c < n_channels; c++)
            sum += buffer[i * n_channels + c];
          sound->samples[done + i] = sum / (float)n_channels;
        }
      done += (gsize)n;
    }
  if (done < sound->n_samples)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "%s ends after %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " frames", name, done,
                   sound->n_samples);
      return NULL;
    }
  return g_steal_pointer (&sound);
}

/* libsndfile reads through these. */
typedef struct
{
  const guint8 *data;
  gsize n_bytes, at;
} Memory;

static sf_count_t
memory_length (void *data)
{
  return (sf_count_t)((Memory *)data)->n_bytes;
}

static sf_count_t
memory_seek (sf_count_t offset, int whence, void *data)
{
  Memory *memory = data;
  sf_count_t base = whence == SEEK_SET   ? 0
                    : whence == SEEK_CUR ? (sf_count_t)memory->at
                                         : (sf_count_t)memory->n_bytes;
  if (offset < -base || offset > (sf_count_t)memory->n_bytes - base)
    return -1;
  memory->at = (gsize)(base + offset);
  return (sf_count_t)memory->at;
}

static sf_count_t
memory_read (void *to, sf_count_t count, void *data)
{
  Memory *memory = data;
  gsize n = MIN ((gsize)MAX (count, 0), memory->n_bytes - memory->at);
  memcpy (to, memory->data + memory->at, n);
  memory->at += n;
  return (sf_count_t)n;
}

static sf_count_t
memory_write (const void *from, sf_count_t count, void *data)
{
  return 0; /* opened for reading only */
}

static sf_count_t
memory_tell (void *data)
{
  return (sf_count_t)((Memory *)data)->at;
}

EngSound *
eng_sound_from_bytes (GBytes *bytes, const char *name, GError **error)
{
  g_return_val_if_fail (bytes != NULL && name != NULL, NULL);

  Memory memory = { 0 };
  SF_VIRTUAL_IO io = { memory_length, memory_seek, memory_read, memory_write, memory_tell };
  SF_INFO info = { 0 };
  memory.data = g_bytes_get_data (bytes, &memory.n_bytes);
  SNDFILE *file = sf_open_virtual (&io, SFM_READ, &info, &memory);
  if (file == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s cannot be read as a sound: %s", name,
                   sf_strerror (NULL));
      return NULL;
    }
  EngSound *sound = read_all (file, &info, name, error);
  sf_close (file);
  return sound;
}

EngSound *
eng_sound_load (const char *path, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);

  SF_INFO info = { 0 };
  SNDFILE *file = sf_open (path, SFM_READ, &info);
  if (file == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s cannot be read as a sound: %s", path,
                   sf_strerror (NULL));
      return NULL;
    }
  EngSound *sound = read_all (file, &info, path, error);
  sf_close (file);
  return sound;
}

gboolean
eng_sound_save_wav (EngSound *self, const char *path, GError **error)
{
  g_return_val_if_fail (self != NULL && path != NULL, FALSE);

  SF_INFO info = { .samplerate = (int)self->rate,
                   .channels = 1,
                   .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16 };
  SNDFILE *file = sf_open (path, SFM_WRITE, &info);
  gboolean ok = file != NULL;
  if (ok)
    {
      sf_command (file, SFC_SET_CLIPPING, NULL, SF_TRUE);
      ok = sf_write_float (file, self->samples, (sf_count_t)self->n_samples)
           == (sf_count_t)self->n_samples;
    }
  if (!ok)
    g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be written: %s", path,
                 sf_strerror (file));
  if (file != NULL)
    sf_close (file);
  return ok;
}

/* ---- Change of rate ---- */

/* The modified Bessel function of order 0, by its power series. */
static double
bessel_i0 (double x)
{
  double sum = 1, term = 1;
  for (int k = 1; term > sum * 1e-17; k++)
    {
      term *= (x / (2 * k)) * (x / (2 * k));
      sum += term;
    }
  return sum;
}

/* The filter at @t input samples from its middle; @cutoff in shares of the input's Nyquist rate. */
static double
filter_at (double t, double cutoff, double half_width)
{
  double u = t / half_width;
  if (fabs (u) >= 1)
    return 0;
  double window = bessel_i0 (KAISER_BETA * sqrt (1 - u * u)) / bessel_i0 (KAISER_BETA);
  double x = G_PI * cutoff * t;
  return cutoff * window * (x == 0 ? 1 : sin (x) / x);
}

static guint
greatest_common_divisor (guint a, guint b)
{
  while (b != 0)
    {
      guint rest = a % b;
      a = b;
      b = rest;
    }
  return a;
}

/* Output sample i lies at input i * down / up: one of @up phases, each a row of taps. */
static void
convolve (EngSound *self, EngSound *to, guint up, guint down, const float *table, gint64 half)
{
  gint64 n_in = (gint64)self->n_samples, n_taps = 2 * half;

  for (gsize i = 0; i < to->n_samples; i++)
    {
      guint64 at = (guint64)i * down;
      gint64 first = (gint64)(at / up) - half + 1;
      const float *taps = table + (at % up) * (guint64)n_taps;
      double sum = 0;
      for (gint64 k = MAX (0, -first); k < n_taps && first + k < n_in; k++)
        sum += (double)taps[k] * (double)self->samples[first + k];
      to->samples[i] = (float)sum;
    }
}

EngSound *
eng_sound_resample (EngSound *self, guint rate_hz, GError **error)
{
  g_return_val_if_fail (self != NULL && rate_hz > 0, NULL);
  if (rate_hz == self->rate)
    return eng_sound_ref (self);

  guint divisor = greatest_common_divisor (self->rate, rate_hz);
  guint up = rate_hz / divisor, down = self->rate / divisor;
  double cutoff = ROLL_OFF * MIN (1.0, (double)rate_hz / self->rate);
  double half_width = ZERO_CROSSINGS / cutoff;
  gint64 half = (gint64)ceil (half_width);
  guint64 n_out = ((guint64)self->n_samples * up + down - 1) / down;
  if (rate_hz < 1000 || self->rate < 1000 || rate_hz > 768000 || self->rate > 768000
      || n_out > ENG_SOUND_MAX_FRAMES || (guint64)up * 2 * (guint64)half > MAX_TABLE_VALUES)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "A sound of %" G_GSIZE_FORMAT
                   " samples cannot be brought from %u to %u Hz: the rates are too odd, or the "
                   "result too long",
                   self->n_samples, self->rate, rate_hz);
      return NULL;
    }

  g_autofree float *table = g_new (float, up * 2 * (gsize)half);
  for (guint phase = 0; phase < up; phase++)
    {
      double sum = 0;
      float *taps = table + phase * 2 * (gsize)half;
      for (gint64 k = 0; k < 2 * half; k++)
        sum += filter_at ((double)(k - half + 1) - (double)phase / up, cutoff, half_width);
      /* Every phase passes a constant unchanged. */
      for (gint64 k = 0; k < 2 * half; k++)
        taps[k]
            = (float)(filter_at ((double)(k - half + 1) - (double)phase / up, cutoff, half_width)
                      / sum);
    }
  EngSound *to = eng_sound_new (rate_hz, (gsize)n_out);
  convolve (self, to, up, down, table, half);
  return to;
}

/* ---- Looking ---- */

guint
eng_sound_get_rate (EngSound *self)
{
  return self->rate;
}

gsize
eng_sound_get_n_samples (EngSound *self)
{
  return self->n_samples;
}

const float *
eng_sound_get_samples (EngSound *self)
{
  return self->samples;
}

float *
eng_sound_edit_samples (EngSound *self)
{
  return self->samples;
}
