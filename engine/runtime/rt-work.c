/* Work files. Called by the desktop (to write) and by the runner (to read). One table of keywords
 * is both; knows nothing of builds. */
#include "rt-work.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt-bytes.h"
#include "rt-speculate-lookup.h"
#include "rt-speculate.h"

static const char *const kind_names[] = { "text", "inputs", "scores" };
static const char *const output_names[] = { "all", "last", "none" };

/* ---- Reading ---- */

typedef struct
{
  const char *next, *end; /* of the rest of the file */
  const char *line;       /* what of the line is left; ends at line_end */
  const char *line_end;
  uint32_t number;  /* of the line, from 1 */
  uint32_t version; /* of the file */
  RtWork *work;
  RtError *error;
} Parser;

static bool
fail_line (const Parser *p, const char *expected)
{
  return rt_fail (p->error, RT_ERROR_FORMAT, "Line %u of the work file: %s", p->number, expected);
}

/* The next line; false at the end of the file, or when there is no end of a line. */
static bool
next_line (Parser *p)
{
  const char *newline = memchr (p->next, '\n', (size_t)(p->end - p->next));

  p->number++;
  if (newline == NULL)
    return false;
  p->line = p->next;
  p->line_end = newline;
  p->next = newline + 1;
  return true;
}

/* @word and, unless it is all, the space behind it. */
static bool
take_word (Parser *p, const char *word)
{
  size_t n = strlen (word), left = (size_t)(p->line_end - p->line);

  if (left < n || memcmp (p->line, word, n) != 0 || (left > n && p->line[n] != ' '))
    return false;
  p->line += left > n ? n + 1 : n;
  return true;
}

/* A number of @most at most, and the space behind it when there is more. */
static bool
take_number (Parser *p, uint64_t most, uint64_t *value)
{
  const char *start = p->line;

  *value = 0;
  while (p->line < p->line_end && *p->line >= '0' && *p->line <= '9' && p->line - start < 19)
    *value = *value * 10 + (uint64_t)(*p->line++ - '0');
  if (p->line == start || *value > most)
    return false;
  if (p->line == p->line_end)
    return true;
  return *p->line++ == ' ' && p->line < p->line_end;
}

/* One number and nothing else. */
static bool
take_only (Parser *p, uint64_t most, uint32_t *value)
{
  uint64_t wide;

  if (!take_number (p, most, &wide) || p->line != p->line_end)
    return false;
  *value = (uint32_t)wide;
  return true;
}

/* At most @most numbers of 31 bits. */
static bool
take_list (Parser *p, uint32_t most, int32_t **list, uint32_t *n)
{
  size_t room = (size_t)(p->line_end - p->line) / 2 + 1; /* a digit and a space each, at least */
  uint64_t value;

  if (room > most)
    room = most;
  *list = malloc (room * sizeof **list);
  if (*list == NULL)
    return rt_fail (p->error, RT_ERROR_MEMORY, "No memory for the work file's tokens");
  for (*n = 0; p->line < p->line_end && *n < room; (*n)++)
    {
      if (!take_number (p, INT32_MAX, &value))
        return false;
      (*list)[*n] = (int32_t)value;
    }
  return *n > 0 && p->line == p->line_end;
}

static bool
take_name (Parser *p, const char *const *names, uint32_t n_names, int *value)
{
  size_t n = (size_t)(p->line_end - p->line);

  for (uint32_t i = 0; i < n_names; i++)
    if (strlen (names[i]) == n && memcmp (p->line, names[i], n) == 0)
      {
        *value = (int)i;
        return true;
      }
  return false;
}

/* Digits with at most one point between them; strtod() would also take what depends on the
 * locale. */
static bool
take_decimal (Parser *p, double most, double *value)
{
  const char *start = p->line;
  double scale = 1;
  bool point = false;

  *value = 0;
  for (; p->line < p->line_end && p->line - start < 24; p->line++)
    if (*p->line == '.' && !point)
      point = true;
    else if (*p->line >= '0' && *p->line <= '9')
      {
        *value = *value * 10 + (*p->line - '0');
        scale *= point ? 10 : 1;
      }
    else
      return false;
  *value /= scale;
  return p->line > start && start[0] != '.' && p->line[-1] != '.' && p->line == p->line_end
         && *value <= most;
}

/* ---- Keywords ---- */

#define OF_TEXT (1u << RT_WORK_TEXT)
#define OF_INPUTS (1u << RT_WORK_INPUTS)
#define OF_SCORES (1u << RT_WORK_SCORES)

static bool
read_threads (Parser *p)
{
  return take_only (p, RT_WORK_MAX_THREADS, &p->work->n_threads);
}

static bool
read_budget (Parser *p)
{
  return take_decimal (p, RT_WORK_MAX_BUDGET_S, &p->work->budget_s);
}

static bool
read_interval (Parser *p)
{
  return take_decimal (p, 1, &p->work->interval) && p->work->interval < 1;
}

static bool
read_repeats (Parser *p)
{
  return take_only (p, RT_WORK_MAX_REPEATS, &p->work->n_repeats);
}

static bool
read_prompt (Parser *p)
{
  return take_list (p, RT_WORK_MAX_PROMPT, &p->work->prompt, &p->work->n_prompt);
}

static bool
read_decode (Parser *p)
{
  return take_only (p, RT_WORK_MAX_PROMPT, &p->work->n_decode);
}

static bool
read_ignore_end (Parser *p)
{
  uint32_t value;
  bool ok = take_only (p, 1, &value);

  p->work->ignore_end = ok && value == 1;
  return ok;
}

static bool
read_ends (Parser *p)
{
  return take_list (p, RT_WORK_MAX_ENDS, &p->work->ends, &p->work->n_ends);
}

static bool
read_speculate (Parser *p)
{
  RtWorkLookup *lookup = &p->work->lookup;
  uint32_t *const numbers[] = { &lookup->length, &lookup->min_match, &lookup->max_match,
                                &lookup->tree_width, &lookup->fallback };
  static const uint32_t most[]
      = { RT_SPECULATE_MAX, RT_LOOKUP_MAX_MATCH, RT_LOOKUP_MAX_MATCH, RT_SPECULATE_MAX, 1 };
  uint64_t value;

  for (uint32_t i = 0; i < 5; i++)
    {
      if (!take_number (p, most[i], &value) || (p->line == p->line_end) != (i == 4))
        return false;
      *numbers[i] = (uint32_t)value;
    }
  return lookup->min_match > 0 && lookup->min_match <= lookup->max_match && lookup->tree_width > 0;
}

static bool
read_outputs (Parser *p)
{
  int value = 0;
  bool ok = take_name (p, output_names, 3, &value);

  p->work->outputs = (RtWorkOutputs)value;
  return ok;
}

static bool
read_inputs (Parser *p)
{
  return take_only (p, RT_WORK_MAX_INPUTS, &p->work->n_inputs) && p->work->n_inputs > 0;
}

static bool
read_steps (Parser *p)
{
  return take_only (p, RT_WORK_MAX_INPUTS, &p->work->n_steps) && p->work->n_steps > 0;
}

static bool
read_windows (Parser *p)
{
  return take_only (p, RT_WORK_MAX_INPUTS, &p->work->n_windows) && p->work->n_windows > 0;
}

static bool
read_data (Parser *p)
{
  uint64_t n;

  if (!take_number (p, INT64_MAX, &n) || p->line != p->line_end)
    return false;
  p->work->data_bytes = n;
  return true;
}

typedef struct
{
  const char *word;
  uint32_t kinds;    /* bits: those that may have it */
  uint32_t required; /* bits: those that must have it */
  uint32_t since;    /* version of the file */
  bool (*read) (Parser *p);
  const char *expected;
} Keyword;

static const Keyword keywords[] = {
  { "threads", OF_TEXT | OF_INPUTS | OF_SCORES, 0, 1, read_threads,
    "threads takes a number up to 1024" },
  { "budget_s", OF_TEXT | OF_INPUTS, 0, 1, read_budget, "budget_s takes seconds, at most a day" },
  { "interval", OF_TEXT | OF_INPUTS, 0, 2, read_interval,
    "interval takes a part of 1, below 1: 0.05" },
  { "repeats", OF_TEXT | OF_INPUTS, 0, 1, read_repeats, "repeats takes a number up to a million" },
  { "prompt", OF_TEXT, OF_TEXT, 1, read_prompt, "prompt takes token numbers, a million at most" },
  { "decode", OF_TEXT, OF_TEXT, 1, read_decode, "decode takes a number of tokens" },
  { "ignore_end", OF_TEXT, 0, 1, read_ignore_end, "ignore_end takes 0 or 1" },
  { "ends", OF_TEXT, 0, 1, read_ends, "ends takes token numbers, 4096 at most" },
  { "speculate", OF_TEXT, 0, 2, read_speculate,
    "speculate takes a length up to 16, the shortest and longest match from 1 to 8, a width from 1 "
    "and 0 or 1" },
  { "outputs", OF_INPUTS, 0, 1, read_outputs, "outputs takes all, last or none" },
  { "inputs", OF_INPUTS, OF_INPUTS, 1, read_inputs, "inputs takes a number from 1 to a million" },
  { "steps", OF_INPUTS, 0, 1, read_steps, "steps takes a number from 1 to a million" },
  { "windows", OF_SCORES, OF_SCORES, 2, read_windows,
    "windows takes a number from 1 to a million" },
  { "data", OF_INPUTS | OF_SCORES, OF_INPUTS | OF_SCORES, 1, read_data,
    "data takes a number of bytes" },
};
#define N_KEYWORDS (sizeof keywords / sizeof keywords[0])
#define KEYWORD_DATA (N_KEYWORDS - 1)

static bool
read_keyword (Parser *p, uint32_t *seen)
{
  for (uint32_t i = 0; i < N_KEYWORDS; i++)
    {
      if (keywords[i].since > p->version || !take_word (p, keywords[i].word))
        continue;
      if ((keywords[i].kinds >> p->work->kind & 1) == 0)
        return rt_fail (p->error, RT_ERROR_FORMAT, "Line %u of the work file: %s is not for %s",
                        p->number, keywords[i].word, kind_names[p->work->kind]);
      if (*seen >> i & 1)
        return rt_fail (p->error, RT_ERROR_FORMAT, "Line %u of the work file: %s is there twice",
                        p->number, keywords[i].word);
      *seen |= 1u << i;
      return keywords[i].read (p)
             || (p->error->status == RT_OK && fail_line (p, keywords[i].expected));
    }
  return fail_line (p, "begins with a word that this runner does not know");
}

static bool
read_start (Parser *p)
{
  uint64_t version;
  int kind = 0;

  if (!next_line (p) || !take_word (p, "lathe-work") || !take_number (p, UINT32_MAX, &version)
      || p->line != p->line_end)
    return rt_fail (p->error, RT_ERROR_FORMAT, "This is no work file: it begins otherwise");
  if (version < 1 || version > RT_WORK_VERSION)
    return rt_fail (p->error, RT_ERROR_UNSUPPORTED,
                    "The work file is of version %" PRIu64
                    ", and this runner reads versions 1 to %d: use "
                    "the runner that belongs to the Lathe that made it",
                    version, RT_WORK_VERSION);
  p->version = (uint32_t)version;
  if (!next_line (p) || !take_word (p, "kind")
      || !take_name (p, kind_names, p->version > 1 ? 3 : 2, &kind))
    return fail_line (p, "expected \"kind text\" or \"kind inputs\"");
  p->work->kind = (RtWorkKind)kind;
  return true;
}

static uint32_t
get_u32 (const uint8_t *bytes)
{
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16
         | (uint32_t)bytes[3] << 24;
}

int32_t
rt_work_token (const uint8_t *tokens, uint32_t index)
{
  return (int32_t)get_u32 (tokens + 4 * (size_t)index);
}

bool
rt_work_next_window (const RtWork *work, uint64_t *at, RtWorkWindow *window)
{
  const uint8_t *bytes = (const uint8_t *)work->data + *at;
  uint64_t left = work->data_bytes - *at;

  if (left < 8)
    return false;
  window->n = get_u32 (bytes);
  window->first = get_u32 (bytes + 4);
  if (window->n > RT_WORK_MAX_PROMPT || window->first >= window->n || (left - 8) / 8 < window->n)
    return false;
  window->input = bytes + 8;
  window->targets = window->input + 4 * (size_t)window->n;
  *at += 8 + 8 * (uint64_t)window->n;
  return true;
}

static bool
check_windows (Parser *p)
{
  RtWorkWindow window;
  uint64_t at = 0;

  for (uint32_t i = 0; i < p->work->n_windows; i++)
    {
      if (!rt_work_next_window (p->work, &at, &window))
        return rt_fail (p->error, RT_ERROR_FORMAT, "Window %u of the work file is none", i);
      for (uint32_t k = 0; k < window.n; k++)
        if (rt_work_token (window.input, k) < 0 || rt_work_token (window.targets, k) < 0)
          return rt_fail (p->error, RT_ERROR_FORMAT,
                          "Window %u of the work file has a token below 0", i);
    }
  return at == p->work->data_bytes
         || rt_fail (p->error, RT_ERROR_FORMAT, "The work file has more data than its windows");
}

static bool
check_rest (Parser *p, uint32_t seen)
{
  RtWork *work = p->work;

  for (uint32_t i = 0; i < N_KEYWORDS; i++)
    if ((keywords[i].required >> work->kind & 1) && !(seen >> i & 1))
      return rt_fail (p->error, RT_ERROR_FORMAT, "The work file lacks its line \"%s\"",
                      keywords[i].word);
  uint64_t left = (uint64_t)(p->end - p->next);
  if (left != work->data_bytes)
    return rt_fail (p->error, RT_ERROR_FORMAT,
                    "The work file is %s: it has %" PRIu64 " bytes of data of %" PRIu64
                    ". Send it again.",
                    left < work->data_bytes ? "cut short" : "too long", left, work->data_bytes);
  if (work->kind == RT_WORK_INPUTS && work->n_inputs % work->n_steps != 0)
    return rt_fail (p->error, RT_ERROR_FORMAT,
                    "The work file has %u inputs, which are no groups of %u steps", work->n_inputs,
                    work->n_steps);
  if (work->kind == RT_WORK_INPUTS && work->data_bytes % work->n_inputs != 0)
    return rt_fail (p->error, RT_ERROR_FORMAT,
                    "The work file has %" PRIu64 " bytes for %u inputs, which are not of one size",
                    work->data_bytes, work->n_inputs);
  work->data = work->kind != RT_WORK_TEXT ? p->next : NULL;
  return work->kind != RT_WORK_SCORES || check_windows (p);
}

bool
rt_work_parse (const void *bytes, size_t n_bytes, RtWork *work, RtError *error)
{
  RtError local = { 0 };
  Parser p = { .next = bytes,
               .end = (const char *)bytes + n_bytes,
               .work = work,
               .error = error != NULL ? error : &local };
  uint32_t seen = 0;

  *work = (RtWork){ .n_steps = 1 };
  if (!read_start (&p))
    return false;
  while (p.next < p.end && !(seen >> KEYWORD_DATA & 1))
    {
      if (!next_line (&p))
        return fail_line (&p, "has no end: the file was cut short. Send it again.");
      if ((size_t)(p.next - (const char *)bytes) > RT_WORK_MAX_HEADER)
        return fail_line (&p, "more text than any work has");
      if (!read_keyword (&p, &seen))
        return false;
    }
  return check_rest (&p, seen);
}

bool
rt_work_open (const char *path, RtWork *work, RtError *error)
{
  struct stat info;
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  void *mapping;

  *work = (RtWork){ 0 };
  if (fd < 0 || fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    {
      rt_fail (error, RT_ERROR_IO, "%s cannot be read: %s", path,
               fd >= 0 ? "it is not a file" : strerror (errno));
      if (fd >= 0)
        close (fd);
      return false;
    }
  size_t n = (size_t)info.st_size;
  mapping = n > 0 ? mmap (NULL, n, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
  close (fd);
  if (mapping == MAP_FAILED)
    return rt_fail (error, RT_ERROR_FORMAT, "%s is no work file: it is empty", path);
  bool ok = rt_work_parse (mapping, n, work, error) || rt_fail_prefix (error, "%s", path);
  work->mapping = mapping;
  work->mapping_bytes = n;
  return ok;
}

void
rt_work_close (RtWork *work)
{
  free (work->prompt);
  free (work->ends);
  if (work->mapping != NULL)
    munmap (work->mapping, work->mapping_bytes);
  *work = (RtWork){ 0 };
}

/* ---- Writing ---- */

static void add_text (RtBytes *out, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static void
add_text (RtBytes *out, const char *format, ...)
{
  char text[80];
  va_list args;

  va_start (args, format);
  int n = vsnprintf (text, sizeof text, format, args);
  va_end (args);
  rt_bytes_add (out, text, (size_t)n);
}

static void
add_list (RtBytes *out, const char *word, const int32_t *list, uint32_t n)
{
  if (n == 0)
    return;
  add_text (out, "%s", word);
  for (uint32_t i = 0; i < n; i++)
    add_text (out, " %" PRId32, list[i]);
  add_text (out, "\n");
}

/* Whole millionths: no locale's point, nothing that is not read again. */
static void
add_decimal (RtBytes *out, const char *word, double value)
{
  uint64_t millionths = value > 0 ? (uint64_t)(fmin (value, 1e9) * 1e6 + 0.5) : 0;

  add_text (out, "%s %" PRIu64 ".%06u\n", word, millionths / 1000000,
            (unsigned)(millionths % 1000000));
}

/* The lowest that can say @work: what reads no more may read it. */
static uint32_t
version_for (const RtWork *work)
{
  return work->interval > 0 || work->lookup.max_match > 0 || work->kind == RT_WORK_SCORES ? 2 : 1;
}

static void
add_header (RtBytes *out, const RtWork *work)
{
  add_text (out, "lathe-work %u\nkind %s\nthreads %u\n", version_for (work), kind_names[work->kind],
            work->n_threads);
  if (work->kind == RT_WORK_SCORES)
    {
      add_text (out, "windows %u\ndata %" PRIu64 "\n", work->n_windows, work->data_bytes);
      return;
    }
  add_decimal (out, "budget_s", work->budget_s);
  if (work->interval > 0)
    add_decimal (out, "interval", work->interval);
  add_text (out, "repeats %u\n", work->n_repeats);
  if (work->kind == RT_WORK_TEXT)
    {
      add_list (out, "prompt", work->prompt, work->n_prompt);
      add_text (out, "decode %u\nignore_end %d\n", work->n_decode, work->ignore_end);
      add_list (out, "ends", work->ends, work->n_ends);
      if (work->lookup.max_match > 0)
        add_text (out, "speculate %u %u %u %u %u\n", work->lookup.length, work->lookup.min_match,
                  work->lookup.max_match, work->lookup.tree_width, work->lookup.fallback);
      return;
    }
  add_text (out, "outputs %s\ninputs %u\nsteps %u\ndata %" PRIu64 "\n", output_names[work->outputs],
            work->n_inputs, work->n_steps > 0 ? work->n_steps : 1, work->data_bytes);
}

/* Windows are looked at where they lie. */
static bool
check_scores (const RtBytes *header, const RtWork *work, RtError *error)
{
  Parser p = { .work = (RtWork *)work, .error = error };

  if (header->failed || work->n_windows == 0 || work->n_windows > RT_WORK_MAX_INPUTS
      || work->n_threads > RT_WORK_MAX_THREADS)
    return rt_fail (error, RT_ERROR_RANGE, "The work has no windows, or too many");
  return check_windows (&p);
}

/* What a reader would say of @work. */
static bool
check (const RtBytes *header, const RtWork *work, RtError *error)
{
  RtWork read;
  RtError local = { 0 };
  RtBytes all = { 0 };

  if (work->kind != RT_WORK_TEXT && work->data == NULL)
    return rt_fail (error, RT_ERROR_RANGE, "The work has inputs without bytes");
  if (work->kind == RT_WORK_SCORES)
    return check_scores (header, work, error);
  /* The data is not looked at: a header of one that has none says all else. */
  RtWork bare = *work;
  bare.data_bytes = 0;
  add_header (&all, &bare);
  bool ok = !all.failed && rt_work_parse (all.bytes, all.n, &read, &local);
  if (!ok)
    rt_fail (error, RT_ERROR_RANGE, "This is no work: %s", local.message);
  rt_work_close (&read);
  free (all.bytes);
  if (ok && work->kind == RT_WORK_INPUTS && work->data_bytes % work->n_inputs != 0)
    ok = rt_fail (error, RT_ERROR_RANGE, "The inputs of the work are not of one size");
  return ok && !header->failed;
}

static bool
put (int fd, const void *bytes, uint64_t n)
{
  const char *next = bytes;

  while (n > 0)
    {
      ssize_t written = write (fd, next, n < (1u << 24) ? (size_t)n : 1u << 24);
      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        return false;
      next += written;
      n -= (uint64_t)written;
    }
  return true;
}

bool
rt_work_write (const char *path, const RtWork *work, RtError *error)
{
  RtBytes header = { 0 };
  size_t n = strlen (path) + 8;
  char *temporary = malloc (n);

  if (temporary != NULL)
    add_header (&header, work);
  if (temporary == NULL || header.failed)
    {
      free (temporary);
      free (header.bytes);
      return rt_fail (error, RT_ERROR_MEMORY, "No memory to write a work file");
    }
  bool ok = check (&header, work, error);
  if (ok)
    {
      snprintf (temporary, n, "%s.XXXXXX", path);
      int fd = mkstemp (temporary);
      bool written = fd >= 0 && fchmod (fd, 0644) == 0 && put (fd, header.bytes, header.n)
                     && (work->kind == RT_WORK_TEXT || put (fd, work->data, work->data_bytes));
      int number = errno;
      if (fd >= 0 && close (fd) != 0 && written)
        {
          number = errno;
          written = false;
        }
      if (written && rename (temporary, path) != 0)
        {
          number = errno;
          written = false;
        }
      if (!written && fd >= 0)
        unlink (temporary);
      ok = written
           || rt_fail (error, RT_ERROR_IO, "%s cannot be written: %s", path, strerror (number));
    }
  free (temporary);
  free (header.bytes);
  return ok;
}
