/* Reads cpu0/cache/indexN of sysfs. Called by whoever says what a machine is, the studio and the
 * runner; knows nothing of what caches are good for. */
#include "rt-caches.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line of "cache/indexN/FIELD" of processor 0; false: absent. */
static bool
read_field (const char *root, unsigned index, const char *field, char *text, int n_text)
{
  char path[1024];

  snprintf (path, sizeof path, "%s/sys/devices/system/cpu/cpu0/cache/index%u/%s", root, index,
            field);
  FILE *file = fopen (path, "re");
  bool is_there = file != NULL && fgets (text, n_text, file) != NULL;
  if (file != NULL)
    fclose (file);
  if (is_there)
    text[strcspn (text, "\n")] = '\0';
  return is_there;
}

/* "512K", "8M" */
static uint64_t
parse_size (const char *text)
{
  char *end;
  uint64_t size = strtoull (text, &end, 10);

  return *end == 'K' ? size << 10 : *end == 'M' ? size << 20 : *end == 'G' ? size << 30 : size;
}

/* How many processors a list names: "0-1,4". 0: it is no such list. */
static uint32_t
count_list (const char *text)
{
  uint32_t n = 0;

  for (const char *part = text; part != NULL; part = strchr (part, ','))
    {
      unsigned first, last;
      part += *part == ',';
      int n_read = sscanf (part, "%u-%u", &first, &last);
      if (n_read < 1 || (n_read == 2 && (last < first || last - first > 65536)))
        return 0;
      n += n_read == 2 ? last - first + 1 : 1;
    }
  return n;
}

static int
compare_caches (const void *a, const void *b)
{
  const RtCache *x = a, *y = b;
  return (x->level > y->level) - (x->level < y->level);
}

size_t
rt_caches_read (const char *root, RtCache caches[RT_MAX_CACHES])
{
  char text[512];
  size_t n = 0;

  for (unsigned i = 0; n < RT_MAX_CACHES && read_field (root, i, "size", text, sizeof text); i++)
    {
      RtCache cache = { .level = (uint32_t)n + 1, .bytes = parse_size (text) };
      if (cache.bytes == 0
          || (read_field (root, i, "type", text, sizeof text) && strcmp (text, "Instruction") == 0))
        continue;
      /* A tree without "level" counts up. */
      if (read_field (root, i, "level", text, sizeof text))
        cache.level = (uint32_t)strtoul (text, NULL, 10);
      if (read_field (root, i, "shared_cpu_list", text, sizeof text))
        cache.n_sharing = count_list (text);
      caches[n++] = cache;
    }
  qsort (caches, n, sizeof caches[0], compare_caches);
  return n;
}
