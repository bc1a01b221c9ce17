/* Sounds as the tasks take them: one channel of floats at a rate. Immutable once shared; reference
 * counted. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* About 100 minutes at 16 kHz, half an hour at 48 kHz. Longer files are refused before they are
 * read. */
#define ENG_SOUND_MAX_FRAMES 100000000

typedef struct _EngSound EngSound;
#define ENG_TYPE_SOUND (eng_sound_get_type ())
GType eng_sound_get_type (void);

EngSound *eng_sound_new (guint rate_hz, gsize n_samples); /* silence */
EngSound *eng_sound_ref (EngSound *sound);
void eng_sound_unref (EngSound *sound);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngSound, eng_sound_unref)

/* Any format that libsndfile knows; channels are averaged; full scale is -1 .. 1. @name is for
 * messages. Blocking. */
EngSound *eng_sound_from_bytes (GBytes *bytes, const char *name, GError **error);
EngSound *eng_sound_load (const char *path, GError **error);
/* 16-bit, clipped to full scale */
gboolean eng_sound_save_wav (EngSound *sound, const char *path, GError **error);

/* The same sound at another rate: windowed sinc, 16 zero crossings to each side, Kaiser window of
 * beta 9 (side lobes below -90 dB; Oppenheim and Schafer, Discrete-Time Signal Processing, section
 * 7.5), delay 0. The same object when the rate is the same. Rates from 1000 to 768000 Hz. */
EngSound *eng_sound_resample (EngSound *sound, guint rate_hz, GError **error);

guint eng_sound_get_rate (EngSound *sound); /* Hz */
gsize eng_sound_get_n_samples (EngSound *sound);
const float *eng_sound_get_samples (EngSound *sound); /* [n_samples] */
float *eng_sound_edit_samples (EngSound *sound);      /* while nobody else holds it */

G_END_DECLS
