/* Front ends for sounds: the network hears windows of samples, one per step. They share how a sound
 * is cut; each has its own nodes between the samples and the network's input. */
#pragma once

#include "data/eng-sound.h"
#include "tasks/eng-task.h"

G_BEGIN_DECLS

/* The input that all of them feed, f32 [1, length]; and, where the card asks for magnitudes, the
 * node whose output is the window's whole spectrum, f32 [1, length, 2]. */
#define ENG_FRAMES_INPUT "lathe.samples"
#define ENG_FRAMES_SPECTRUM "lathe.spectrum"

/* Of the current input. */
typedef struct
{
  EngSound *sound;   /* at the network's rate */
  guint length, hop; /* samples of a window, and from window to window */
  guint lead;        /* zeros before the first sample */
  float *frame;      /* [length] as fed */
} EngFrames;

/* While the graph is made. The samples of a window. */
RtValueId eng_frames_add_input (EngSurround *surround, guint length, GError **error);
/* @value becomes the network's input that the card names ("input": a name or a number, 0):
 * reshaped, and quantized where the input is. */
gboolean eng_frames_replace (EngSurround *surround, RtValueId value, GError **error);
/* A count of the card: a whole number from @least to @most. FALSE and @error when it is none.
 * @fallback < 0: it must be there. */
gboolean eng_frames_read (EngCard *card, const char *name, double fallback, guint least, guint most,
                          guint *value, GError **error);

/* Cut @input into windows every @hop samples. @whole: every sample is in a window, zeros around
 * them; else only whole windows count (at least one), and the first @n_warm of them only fill the
 * network's memory. */
gboolean eng_frames_begin (EngTaskRun *run, EngInput *input, guint hop, gboolean whole,
                           guint n_warm, GError **error);
void eng_frames_feed (EngTaskRun *run, guint step);

G_END_DECLS
