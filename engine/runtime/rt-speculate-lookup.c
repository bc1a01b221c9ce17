/* Prompt lookup: an index of all places of a text by the few tokens before them.
 *
 * For every length of match one hash table; a slot holds the newest place with that hash, and every
 * place the one before it with the same hash. A place is the number of the token that follows.
 * Called by the speculator between two runs; must not know models. */
#include "rt-speculate-lookup.h"

#include <stdlib.h>
#include <string.h>

/* Places looked at per length: a text of one repeated token would have all of them. */
#define MAX_TRIES 64

#define NO_PLACE UINT32_MAX

typedef struct
{
  uint32_t *heads;    /* [1 << bits] newest place */
  uint32_t *previous; /* [capacity + 1] by place */
} Index;

struct RtLookup
{
  uint32_t min_match, max_match, capacity, bits;
  uint32_t n_tokens;
  int32_t *tokens;                        /* [capacity] */
  Index indices[RT_LOOKUP_MAX_MATCH + 1]; /* by length of match */
};

RtLookup *
rt_lookup_new (uint32_t min_match, uint32_t max_match, uint32_t capacity, RtError *error)
{
  if (min_match < 1 || max_match < min_match || max_match > RT_LOOKUP_MAX_MATCH || capacity == 0)
    {
      rt_fail (error, RT_ERROR_RANGE,
               "matches of %u to %u tokens; expected 1 to %u, the smaller first", min_match,
               max_match, RT_LOOKUP_MAX_MATCH);
      return NULL;
    }
  RtLookup *self = calloc (1, sizeof *self);
  if (self == NULL)
    goto no_memory;
  self->min_match = min_match;
  self->max_match = max_match;
  self->capacity = capacity;
  for (self->bits = 8; self->bits < 20 && (1u << self->bits) < capacity; self->bits++)
    ;
  self->tokens = malloc (capacity * sizeof *self->tokens);
  bool ok = self->tokens != NULL;
  for (uint32_t m = min_match; m <= max_match; m++)
    {
      Index *index = &self->indices[m];
      index->heads = malloc (sizeof *index->heads << self->bits);
      index->previous = malloc (((size_t)capacity + 1) * sizeof *index->previous);
      ok = ok && index->heads != NULL && index->previous != NULL;
    }
  if (!ok)
    goto no_memory;
  rt_lookup_clear (self);
  return self;

no_memory:
  rt_lookup_free (self);
  rt_fail (error, RT_ERROR_MEMORY, "no memory to look %u tokens up", capacity);
  return NULL;
}

void
rt_lookup_free (RtLookup *self)
{
  if (self == NULL)
    return;
  for (uint32_t m = 0; m <= RT_LOOKUP_MAX_MATCH; m++)
    {
      free (self->indices[m].heads);
      free (self->indices[m].previous);
    }
  free (self->tokens);
  free (self);
}

void
rt_lookup_clear (RtLookup *self)
{
  self->n_tokens = 0;
  for (uint32_t m = self->min_match; m <= self->max_match; m++)
    memset (self->indices[m].heads, 0xff, sizeof (uint32_t) << self->bits);
}

/* Of the @m tokens before @place: a multiplicative hash, token by token. */
static uint32_t
hash_before (const RtLookup *self, uint32_t place, uint32_t m)
{
  uint32_t hash = 2166136261u;

  for (uint32_t i = place - m; i < place; i++)
    hash = (hash ^ (uint32_t)self->tokens[i]) * 2654435761u;
  return hash >> (32 - self->bits);
}

void
rt_lookup_push (RtLookup *self, int32_t token)
{
  if (self->n_tokens == self->capacity)
    return;
  /* Now that a token follows, the end of the text has become a place. */
  uint32_t place = self->n_tokens;
  for (uint32_t m = self->min_match; m <= self->max_match && m <= place; m++)
    {
      Index *index = &self->indices[m];
      uint32_t slot = hash_before (self, place, m);
      index->previous[place] = index->heads[slot];
      index->heads[slot] = place;
    }
  self->tokens[self->n_tokens++] = token;
}

uint32_t
rt_lookup_n_tokens (const RtLookup *self)
{
  return self->n_tokens;
}

const int32_t *
rt_lookup_tokens (const RtLookup *self)
{
  return self->tokens;
}

/* The newest place at or before @place in the chain that has the text's last @m tokens before
 * it. */
static uint32_t
next_match (const RtLookup *self, uint32_t place, uint32_t m, uint32_t *n_tries)
{
  const int32_t *end = self->tokens + self->n_tokens - m;

  for (; place != NO_PLACE && *n_tries > 0; place = self->indices[m].previous[place])
    {
      --*n_tries;
      if (memcmp (self->tokens + place - m, end, m * sizeof *end) == 0)
        return place;
    }
  return NO_PLACE;
}

static uint32_t
first_match (const RtLookup *self, uint32_t m, uint32_t *n_tries)
{
  if (m > self->n_tokens)
    return NO_PLACE;
  return next_match (self, self->indices[m].heads[hash_before (self, self->n_tokens, m)], m,
                     n_tries);
}

/* Token @i of the draft that begins at @place. */
static int32_t
token_after (const RtLookup *self, uint32_t place, uint32_t i)
{
  return self->tokens[place + i % (self->n_tokens - place)];
}

uint32_t
rt_lookup_find (const RtLookup *self, uint32_t n_most, int32_t *draft, uint32_t *match)
{
  *match = 0;
  for (uint32_t m = self->max_match; m >= self->min_match; m--)
    {
      uint32_t n_tries = MAX_TRIES;
      uint32_t place = first_match (self, m, &n_tries);
      if (place == NO_PLACE)
        continue;
      *match = m;
      for (uint32_t i = 0; i < n_most; i++)
        draft[i] = token_after (self, place, i);
      return n_most;
    }
  return 0;
}

/* The child of @parent with @token, or UINT32_MAX. */
static uint32_t
find_child (const int32_t *draft, const uint32_t *parents, uint32_t n, uint32_t parent,
            int32_t token)
{
  for (uint32_t i = 0; i < n; i++)
    if (parents[i] == parent && draft[i] == token)
      return i;
  return UINT32_MAX;
}

/* Walk the draft from @place down the tree, adding what it lacks. Returns whether anything was. */
static bool
add_place (const RtLookup *self, uint32_t place, uint32_t n_deep, uint32_t n_most, int32_t *draft,
           uint32_t *parents, uint32_t *n)
{
  uint32_t parent = UINT32_MAX, before = *n;

  for (uint32_t i = 0; i < n_deep; i++)
    {
      int32_t token = token_after (self, place, i);
      uint32_t child = find_child (draft, parents, *n, parent, token);
      if (child == UINT32_MAX)
        {
          if (*n == n_most)
            break;
          child = (*n)++;
          draft[child] = token;
          parents[child] = parent;
        }
      parent = child;
    }
  return *n > before;
}

uint32_t
rt_lookup_find_tree (const RtLookup *self, uint32_t n_places, uint32_t n_deep, uint32_t n_most,
                     int32_t *draft, uint32_t *parents, uint32_t *match)
{
  uint32_t n = 0, n_found = 0;

  *match = 0;
  for (uint32_t m = self->max_match; m >= self->min_match && n_found < n_places; m--)
    {
      uint32_t n_tries = MAX_TRIES;
      uint32_t place = first_match (self, m, &n_tries);
      if (place != NO_PLACE && *match == 0)
        *match = m;
      while (place != NO_PLACE && n_found < n_places)
        {
          n_found += add_place (self, place, n_deep, n_most, draft, parents, &n);
          place = next_match (self, self->indices[m].previous[place], m, &n_tries);
        }
    }
  return n;
}
