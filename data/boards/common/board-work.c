/* Reads the header of a work file. Everything is checked: it comes from another machine. */
#include "board-work.h"

#include "board.h"

/* The longest line that is known is "budget_s" with a few digits. */
#define MAX_LINE 80
#define MAX_LINES 32

static char chunk[256];
static uint32_t n_chunk, next_chunk;

typedef struct
{
  Work *work;
  uint32_t offset, number; /* bytes read, lines */
  char line[MAX_LINE];
} Reader;

static bool
refuse (const Reader *r, const char *expected)
{
  static char message[160];
  uint32_t n = 0;
  char digits[10];
  uint32_t n_digits = 0, number = r->number;

  for (const char *c = "Line "; *c != '\0'; c++)
    message[n++] = *c;
  do
    digits[n_digits++] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  while (n_digits > 0)
    message[n++] = digits[--n_digits];
  for (const char *c = " of the work file: "; *c != '\0'; c++)
    message[n++] = *c;
  while (*expected != '\0' && n + 1 < sizeof message)
    message[n++] = *expected++;
  message[n] = '\0';
  tell_error ("format", "work", message);
  return false;
}

static bool
next_line (Reader *r)
{
  uint32_t n = 0;

  r->number++;
  for (;;)
    {
      if (next_chunk == n_chunk)
        {
          n_chunk = host_read (r->work->file, chunk, sizeof chunk);
          next_chunk = 0;
          if (n_chunk == 0)
            return refuse (r, "the file ends before its data");
        }
      const char c = chunk[next_chunk++];
      r->offset++;
      if (c == '\n')
        break;
      if (n + 1 == sizeof r->line)
        return refuse (r, "it is too long for a work of inputs");
      r->line[n++] = c;
    }
  r->line[n] = '\0';
  return true;
}

/* What stands behind @word and a space; NULL: the line is another one. */
static const char *
after (const char *line, const char *word)
{
  while (*word != '\0')
    if (*line++ != *word++)
      return NULL;
  return *line == ' ' ? line + 1 : NULL;
}

static bool
same (const char *a, const char *b)
{
  while (*a != '\0' && *a == *b)
    a++, b++;
  return *a == *b;
}

/* A whole number below 2^31 and nothing else. */
static bool
take_number (const char *text, uint32_t *value)
{
  uint64_t number = 0;
  uint32_t n = 0;

  for (; text[n] >= '0' && text[n] <= '9' && n < 10; n++)
    number = number * 10 + (uint32_t)(text[n] - '0');
  if (n == 0 || text[n] != '\0' || number > INT32_MAX)
    return false;
  *value = (uint32_t)number;
  return true;
}

/* Seconds with at most a point and decimals, in ms. */
static bool
take_seconds (const char *text, uint32_t *ms)
{
  uint64_t whole = 0, fraction = 0;
  uint32_t n = 0, scale = 1000;

  for (; text[n] >= '0' && text[n] <= '9' && n < 6; n++)
    whole = whole * 10 + (uint32_t)(text[n] - '0');
  if (n == 0)
    return false;
  if (text[n] == '.')
    for (n++; text[n] >= '0' && text[n] <= '9'; n++)
      {
        scale /= 10;
        fraction += (uint32_t)(text[n] - '0') * scale;
      }
  if (text[n] != '\0' || whole > 86400)
    return false;
  *ms = (uint32_t)(whole * 1000 + fraction);
  return true;
}

static bool
take_outputs (const char *text, Work *work)
{
  work->all_outputs = same (text, "all");
  work->last_output = same (text, "last");
  return work->all_outputs || work->last_output || same (text, "none");
}

/* A part of 1, in millionths. */
static bool
take_part (const char *text, uint32_t *ppm)
{
  uint32_t scale = 1000000;

  if (text[0] != '0' || (text[1] != '.' && text[1] != '\0'))
    return false;
  *ppm = 0;
  for (text += text[1] == '.' ? 2 : 1; *text >= '0' && *text <= '9'; text++)
    {
      scale /= 10;
      *ppm += (uint32_t)(*text - '0') * scale;
    }
  return *text == '\0';
}

/* One line behind the first two; *is_data: it was the last one. */
static bool
read_line (Reader *r, bool *is_data)
{
  Work *work = r->work;
  const char *value;
  uint32_t ignored;

  if ((value = after (r->line, "threads")) != NULL)
    return take_number (value, &ignored) || refuse (r, "threads takes a number");
  if ((value = after (r->line, "budget_s")) != NULL)
    return take_seconds (value, &work->budget_ms) || refuse (r, "budget_s takes seconds");
  if ((value = after (r->line, "interval")) != NULL)
    return take_part (value, &work->interval_ppm) || refuse (r, "interval takes a part of 1");
  if ((value = after (r->line, "repeats")) != NULL)
    return take_number (value, &work->n_repeats) || refuse (r, "repeats takes a number");
  if ((value = after (r->line, "outputs")) != NULL)
    return take_outputs (value, work) || refuse (r, "outputs takes all, last or none");
  if ((value = after (r->line, "inputs")) != NULL)
    return (take_number (value, &work->n_inputs) && work->n_inputs > 0)
           || refuse (r, "inputs takes a number");
  if ((value = after (r->line, "steps")) != NULL)
    return (take_number (value, &work->n_steps) && work->n_steps > 0)
           || refuse (r, "steps takes a number");
  if ((value = after (r->line, "data")) != NULL)
    {
      *is_data = true;
      return take_number (value, &work->data_bytes) || refuse (r, "data takes bytes, below 2 GB");
    }
  return refuse (r, "it is not one of a work of inputs");
}

bool
work_open (Work *work, const char *path)
{
  Reader r = { .work = work };
  bool is_data = false;

  *work = (Work){ .all_outputs = true, .n_steps = 1 };
  n_chunk = next_chunk = 0;
  work->file = host_open (path, false);
  if (work->file < 0)
    {
      tell_error ("io", "work", "The computer cannot open the work file.");
      return false;
    }
  if (!next_line (&r))
    return false;
  if (!same (r.line, "lathe-work 1") && !same (r.line, "lathe-work 2"))
    return refuse (&r, "lathe-work 1 or 2 was expected");
  if (!next_line (&r))
    return false;
  if (!same (r.line, "kind inputs"))
    return refuse (&r, "a microcontroller runs works of kind inputs");
  for (uint32_t n = 0; !is_data; n++)
    {
      if (n == MAX_LINES)
        return refuse (&r, "there are too many");
      if (!next_line (&r) || !read_line (&r, &is_data))
        return false;
    }
  work->data_at = r.offset;
  if (work->n_inputs == 0)
    return refuse (&r, "inputs must stand before data");
  if (work->n_inputs % work->n_steps != 0)
    return refuse (&r, "the inputs are no whole groups of steps");
  return true;
}
