/* What the measured speeds of the formats say of one of them, in two sentences: whether its fewer
 * bits are faster here, and if not, what takes the time instead. Figures in, words out; of the
 * machine it only asks which kernels run. */
#include "eng-format-speed.h"

#include <math.h>

#include "kn-lookup.h"
#include "kn-matmul.h"
#include "kn-table.h"

/* Slower than the fastest reader by this factor: it is not reading that takes the time. */
#define NOT_READING 0.75
/* A median ahead by more than this is not called "not faster", however wide the intervals. */
#define CLEARLY_FASTER 1.03
/* As wide in memory: within this. */
#define SAME_WIDTH 1.02

static const char *
name_of (const EngFormatSpeed *speed)
{
  return kn_dtype_info (speed->dtype)->name;
}

static double
bytes_per_s (const EngFormatSpeed *speed)
{
  return speed->memory_bits / 8 * 1e6 / speed->decode.value * 1e9;
}

/* The fastest of those that are wider in memory; NULL: none was measured. */
static const EngFormatSpeed *
fastest_wider (const EngFormatSpeeds *speeds, const EngFormatSpeed *than)
{
  const EngFormatSpeed *best = NULL;

  for (guint i = 0; i < speeds->n; i++)
    {
      const EngFormatSpeed *s = &speeds->formats[i];
      if (s->decode.available && s->memory_bits > than->memory_bits * SAME_WIDTH
          && (best == NULL || s->decode.value < best->decode.value))
        best = s;
    }
  return best;
}

static const EngFormatSpeed *
best_reader (const EngFormatSpeeds *speeds)
{
  const EngFormatSpeed *best = NULL;

  for (guint i = 0; i < speeds->n; i++)
    if (speeds->formats[i].decode.available
        && (best == NULL || bytes_per_s (&speeds->formats[i]) > bytes_per_s (best)))
      best = &speeds->formats[i];
  return best;
}

/* Why fewer bits are not faster. */
static void
add_reason (GString *text, const EngFormatSpeeds *speeds, const EngFormatSpeed *self)
{
  const EngFormatSpeed *reader = best_reader (speeds);
  double share = bytes_per_s (self) / bytes_per_s (reader);
  g_autofree char *own = eng_format_value (bytes_per_s (self), "B/s");
  g_autofree char *best = eng_format_value (bytes_per_s (reader), "B/s");

  if (kn_matmul_act ((KnDtype)self->dtype) == KN_ACT_F32
      && kn_dtype_info (self->dtype)->block_len > 1)
    g_string_append_printf (
        text,
        "its numbers are turned into floats and multiplied one column after the "
        "other, which takes longer than reading them (%s of the %s that %s reads)",
        own, best, name_of (reader));
  else if (share < NOT_READING)
    g_string_append_printf (text, "%s takes longer than reading them (%s of the %s that %s reads)",
                            kn_lookup_base (self->dtype) >= 0 ? "looking sums up by its codes"
                                                              : "unpacking its codes",
                            own, best, name_of (reader));
  else
    g_string_append_printf (text,
                            "it reads %s, and the bytes that it saves are within what differs from "
                            "one kernel to the other",
                            own);
}

static void
add_decode (GString *text, const EngFormatSpeeds *speeds, const EngFormatSpeed *self)
{
  const EngFormatSpeed *wider = fastest_wider (speeds, self);

  if (wider == NULL)
    {
      g_string_append (text, "Decoding: the widest format that was measured.");
      return;
    }
  double factor = wider->decode.value / self->decode.value;
  if (self->decode.high < wider->decode.low)
    g_string_append_printf (
        text, "Decoding: %.2f times as fast here as %s, the fastest of the wider formats.", factor,
        name_of (wider));
  else if (factor > CLEARLY_FASTER)
    g_string_append_printf (text,
                            "Decoding: %.2f times as fast here as %s by the medians, but the "
                            "intervals overlap: \"lathe formats --measure\" with nothing else "
                            "running tells.",
                            factor, name_of (wider));
  else
    {
      g_string_append_printf (
          text, "Decoding: fewer bits, but not faster here than %s (%.2f times its speed): ",
          name_of (wider), factor);
      add_reason (text, speeds, self);
      g_string_append_c (text, '.');
    }
  /* Planes of bits in memory may be wider than the file's bytes. */
  if (self->memory_bits > self->file_bits * 1.1)
    g_string_append_printf (
        text,
        " In memory it takes %.3g bits per weight, not the file's %.3g: products "
        "need its codes apart.",
        self->memory_bits, self->file_bits);
}

/* Whether the kernels that run here look sums up for prompts too. */
static gboolean
lookup_goes_on (int dtype)
{
  return kn_lookup_max_tokens (kn_table ()->level, (KnDtype)dtype) >= ENG_FORMAT_PROMPT_TOKENS;
}

static void
add_prompt (GString *text, const EngFormatSpeeds *speeds, const EngFormatSpeed *self)
{
  const EngFormatSpeed *q8 = eng_format_speeds_find (speeds, KN_Q8_0);

  if (q8 == NULL || q8 == self || !q8->prompt.available || !self->prompt.available)
    return;
  double factor = q8->prompt.value / self->prompt.value;
  int base = kn_lookup_base (self->dtype);
  g_string_append_printf (text, " Prompts: %.2f times the speed of Q8_0; ", factor);
  if (base >= 0 && lookup_goes_on (self->dtype))
    g_string_append (text, "sums are looked up for every token again.");
  else if (base >= 0)
    g_string_append_printf (text,
                            "tables are for few tokens: of a prompt the bit planes become codes of "
                            "%s, a few rows at a time, and are multiplied as those.",
                            kn_dtype_info (base)->name);
  else if (kn_matmul_act ((KnDtype)self->dtype) == KN_ACT_F32)
    g_string_append (text, "products of floats, not of 8-bit integers.");
  else
    g_string_append (text,
                     "codes of all integer formats become bytes once and are multiplied alike.");
}

char *
eng_format_speeds_verdict (const EngFormatSpeeds *speeds, int dtype)
{
  const EngFormatSpeed *self = eng_format_speeds_find (speeds, dtype);
  GString *text = g_string_new (NULL);

  if (self == NULL || !self->decode.available)
    g_string_append (
        text, "How fast this format is here has not been measured yet: \"lathe formats\" does so.");
  else
    {
      add_decode (text, speeds, self);
      add_prompt (text, speeds, self);
    }
  return g_string_free (text, FALSE);
}
