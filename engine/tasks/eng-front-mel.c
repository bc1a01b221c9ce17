/* Front end: a window of sound as log mel energies or mel cepstral coefficients, a row per frame. A
 * longer sound is heard window after window.
 *
 * Card: "rate" in Hz (16000); "window" samples (16000) the network hears at once, "hop" (a quarter
 * of them) from one to the next; "normalize": true divides a window by its largest sample, but by
 * no less than "quietest" (1 / 32768: a step of 16 bits); "frame_length", "frame_step",
 * "fft_length" in samples, "frames" of them, "centred": "zeros" or "reflect" for frames around
 * their moment; "mels", "low_hz", "high_hz", "filters": tensorflow, htk or slaney; "power" 1 or 2;
 * "floor" (1e-6), added when "add_floor" is true, else the least; "decibel": true instead of the
 * natural logarithm; "offset"; "mfcc": so many cosine coefficients (0: the energies),
 * "orthonormal". */
#include "tasks/eng-frames.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "ops/rt-ops-math.h"
#include "tasks/eng-tasks.h"

#define MAX_WINDOW (1u << 20)

static gboolean
read_word (EngCard *card, const char *name, const char *const *words, uint32_t *value,
           GError **error)
{
  const char *word = eng_json_get_string (eng_card_get_front_options (card), name);
  if (word == NULL)
    return TRUE;
  for (guint i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], word) == 0)
      {
        *value = i;
        return TRUE;
      }
  g_autofree char *known = g_strjoinv (", ", (GStrv)words);
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "The network card %s: \"%s\" is \"%s\", not one of %s", eng_card_get_origin (card),
               name, word, known);
  return FALSE;
}

static gboolean
read_counts (EngCard *card, RtLogMelAttrs *attrs, GError **error)
{
  return eng_frames_read (card, "rate", 16000, 1000, 768000, &attrs->sample_rate_hz, error)
         && eng_frames_read (card, "frame_length", -1, 1, MAX_WINDOW, &attrs->frame_length, error)
         && eng_frames_read (card, "frame_step", -1, 1, MAX_WINDOW, &attrs->frame_step, error)
         && eng_frames_read (card, "fft_length", -1, 1, MAX_WINDOW, &attrs->fft_length, error)
         && eng_frames_read (card, "frames", -1, 1, 65536, &attrs->n_frames, error)
         && eng_frames_read (card, "mels", -1, 1, 4096, &attrs->n_mels, error)
         && eng_frames_read (card, "power", 2, 1, 2, &attrs->power, error)
         && eng_frames_read (card, "mfcc", 0, 0, 4096, &attrs->n_mfcc, error);
}

static gboolean
read_attrs (EngCard *card, RtLogMelAttrs *attrs, GError **error)
{
  static const char *const filters[] = { "tensorflow", "htk", "slaney", NULL };
  static const char *const centred[] = { "no", "zeros", "reflect", NULL };
  JsonObject *options = eng_card_get_front_options (card);
  gboolean decibel = eng_json_get_bool (options, "decibel", FALSE);

  *attrs = (RtLogMelAttrs){
    .filters = RT_MEL_TENSORFLOW,
    .frames = RT_FRAMES_FROM_START,
    .low_hz = (float)eng_card_number (options, "low_hz", 20),
    .high_hz = (float)eng_card_number (options, "high_hz", 4000),
    .floor = (float)eng_card_number (options, "floor", 1e-6),
    .add_floor = eng_json_get_bool (options, "add_floor", FALSE),
    .log_scale = decibel ? (float)(10 / log (10)) : 1,
    .log_offset = (float)eng_card_number (options, "offset", 0),
    .orthonormal = eng_json_get_bool (options, "orthonormal", FALSE),
  };
  return read_counts (card, attrs, error)
         && read_word (card, "filters", filters, &attrs->filters, error)
         && read_word (card, "centred", centred, &attrs->frames, error);
}

static RtValueId
add_normalized (EngSurround *s, RtValueId samples, GError **error)
{
  float quietest
      = (float)eng_card_number (eng_card_get_front_options (s->card), "quietest", 1.0 / 32768);
  RtShape one = { 2, { 1, 1 } };
  RtReduceAttrs all = { .n_axes = 1, .axes = { 1 }, .keep_dims = 1 };

  RtValueId most
      = eng_surround_add (s, FALSE, "lathe.loudest", "reduce_max", &samples, 1, &all, error);
  RtValueId least = eng_surround_add_constant (s, "lathe.quietest", &one, &quietest, error);
  RtValueId both[2] = { most, least };
  RtValueId level = eng_surround_add (s, FALSE, "lathe.level", "max", both, 2, NULL, error);
  RtValueId ratio[2] = { samples, level };
  return eng_surround_add (s, FALSE, "lathe.normalize", "div", ratio, 2, NULL, error);
}

static gboolean
surround (EngSurround *s, GError **error)
{
  RtLogMelAttrs attrs;
  guint window;

  if (!eng_frames_read (s->card, "window", 16000, 1, MAX_WINDOW, &window, error)
      || !read_attrs (s->card, &attrs, error))
    return FALSE;
  RtValueId value = eng_frames_add_input (s, window, error);
  if (eng_json_get_bool (eng_card_get_front_options (s->card), "normalize", FALSE))
    value = add_normalized (s, value, error);
  value = eng_surround_add (s, FALSE, "lathe.features", "log_mel", &value, 1, &attrs, error);
  return eng_frames_replace (s, value, error);
}

static gboolean
begin (EngTaskRun *run, EngInput *input, GError **error)
{
  guint window, hop;
  return eng_frames_read (run->card, "window", 16000, 1, MAX_WINDOW, &window, error)
         && eng_frames_read (run->card, "hop", MAX (1, window / 4), 1, MAX_WINDOW, &hop, error)
         && eng_frames_begin (run, input, hop, FALSE, 0, error);
}

const EngFront eng_front_mel = {
  .id = "mel",
  .title = "Sounds, as mel features",
  .inputs = 1 << ENG_INPUT_SOUND,
  .surround = surround,
  .begin = begin,
  .feed = eng_frames_feed,
};
